#pragma once
// A combo: a named, ordered or balanced set of targets that a client calls like a model. Plain
// values.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace omni::routing {

enum class Strategy {
  Priority,       // in the order given
  RoundRobin,     // each in turn
  Weighted,       // in turn, in proportion to the weights
  LeastUsed,      // fewest requests under way, then fewest of late
  MostRemaining,  // most quota left
  ResetSoonest,   // the quota that would lapse first
};

// "priority", "round-robin", "weighted", "least-used", "most-remaining", "reset-soonest".
std::string_view strategyName(Strategy strategy);
bool parseStrategy(std::string_view name, Strategy& out);  // '_' counts as '-'
// All names, as `"a", "b" or "c"`.
std::string strategyNames();

// What a target that names accounts does when none of them can serve.
enum class Pin {
  Strict,  // these accounts only
  Soft,    // these first, then the provider's others
};

// An account as a target remembers it: by id, so that a rename changes nothing; the name finds an
// account that was deleted and imported again.
struct AccountRef {
  std::string id;
  std::string name;
  bool operator==(const AccountRef&) const = default;
};

constexpr uint32_t kMaxWeight = 100;

// `text` is what the user wrote: provider (or provider/*), provider/account,
// provider/account/model, provider/model, or another combo's name. Without `accounts` and
// `combo_id` it is resolved against the live connections, account names first.
struct Target {
  std::string text;
  std::string combo_id;              // another combo; `text` is the name it had
  std::vector<AccountRef> accounts;  // in order of preference; `text` starts with the provider
  std::string model;                 // with `accounts`: what they are asked for; empty: the default
  Pin pin = Pin::Strict;
  uint32_t weight = 1;  // 0 to kMaxWeight; 0: only when no other can

  bool operator==(const Target&) const = default;
};

struct ComboOptions {
  bool sticky = true;                // a conversation stays with its account
  int64_t session_ttl_ms = 1800000;  // how long an idle conversation is remembered
  int32_t max_attempts = 0;          // calls upstream for one request; 0: by the number of targets
  int32_t retries = -1;        // on the same account after a passing fault; -1: the error table's
  int64_t max_wait_ms = 2000;  // for an account that is about to come back; 0: never wait

  bool operator==(const ComboOptions&) const = default;
};

struct Combo {
  std::string id;    // UUID
  std::string name;  // unique; what the client sends as model
  Strategy strategy = Strategy::Priority;
  std::vector<Target> targets;
  int64_t created_ms = 0;
  int64_t updated_ms = 0;
  ComboOptions options;
};

}  // namespace omni::routing
