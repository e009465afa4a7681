#pragma once
// What the client-facing doors need: somebody who answers a chat request, and the list of what may
// be asked for. Implemented by core/routing.

#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/chat/model.hpp"
#include "core/ports/cancel.hpp"

namespace omni {

struct RouteAttempt {
  std::string provider;
  std::string connection_id;
  std::string connection_name;
  std::string model;
  bool ok = false;
  Error error;  // when !ok
  // Why this account at this point: "sticky", "first", "retry", "fallback", "waited", "last
  // resort".
  std::string_view reason;
  int64_t started_ms = 0;   // Unix time
  int64_t duration_ms = 0;  // until it failed or the last event was delivered
  int64_t first_ms = -1;    // until its first content; -1: none
};

// Filled while routing. The last attempt is the one whose events reach the sink: it is appended
// before its first event.
struct RouteReport {
  std::vector<RouteAttempt> attempts;
  std::string combo;                     // the combo that was asked for; empty: none
  bool sticky = false;                   // the conversation stayed with its account
  int64_t waited_ms = 0;                 // spent on pauses before retries
  std::vector<std::string> passed_over;  // accounts that were not asked, with why; on failure only
};

struct ModelEntry {
  std::string id;  // what a client sends as model
  std::string owner;
  int64_t context_window = 0;  // 0: unknown
  int64_t max_output = 0;
};

// Thread-safe.
class ChatBackend {
 public:
  virtual ~ChatBackend() = default;
  // Falls back over targets until the first content event has reached the sink; after that a
  // failure is returned as it is.
  virtual Result<> complete(const chat::ChatRequest& request, chat::EventSink& sink,
                            const CancelToken& cancel, RouteReport& report) = 0;
  virtual Result<std::vector<ModelEntry>> models() = 0;
};

}  // namespace omni
