#pragma once
// One request's way over its candidates: attempts, retries, pauses, and what each outcome means.

#include <map>
#include <vector>

#include "core/routing/engine.hpp"

namespace omni::routing {

// On the request's thread; everything it refers to must outlive it.
class Attempts {
 public:
  Attempts(Engine& engine, const Plan& plan, const chat::ChatRequest& request,
           chat::EventSink& sink, const CancelToken& cancel, RouteReport& report);

  Result<> run();

 private:
  enum class Next { Done, OtherCandidate, Stop };

  void placeConversation();
  Next tryCandidate(uint32_t index);
  Result<> attempt(uint32_t index, std::string_view reason, bool& content);
  bool skip(const PlanCandidate& candidate) const;
  bool mayCall(const PlanCandidate& candidate, bool bounded, std::string_view& reason);
  int retriesOf(const Error& error, uint32_t index) const;
  bool pause(int64_t ms);
  int64_t jittered(int64_t low_ms, int64_t high_ms);
  // Anew for each candidate; the time at which the first of them may serve, -1: not by itself.
  int64_t reassess();
  void remember(const PlanCandidate& served);
  Result<> giveUp();

  Engine& engine_;
  const Plan& plan_;
  const chat::ChatRequest& request_;
  chat::EventSink& sink_;
  const CancelToken& cancel_;
  RouteReport& report_;

  std::vector<Standing> standings_;
  std::vector<uint32_t> order_;
  SessionKey session_;
  std::string_view first_reason_ = "first";
  Result<> result_;
  size_t calls_ = 0;
  size_t most_calls_ = 0;
  int round_ = 0;
  int64_t waited_for_accounts_ = 0;  // the rest of RouteReport::waited_ms was before retries
  std::map<std::string_view, int> calls_of_;              // by provider
  std::map<std::pair<uint64_t, FailureKind>, int> full_;  // by model: refusals that are the model's
};

}  // namespace omni::routing
