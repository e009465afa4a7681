#pragma once

#include <optional>
#include <string>

#include "simulator/json.hpp"
#include "simulator/policy.hpp"

namespace omni::sim {

struct Invalid {
  std::string message;
  std::string reason;  // empty: none is given
};

struct Limits {
  std::size_t body_bytes = 0;  // 0: no limit
  bool paid_models = true;
};

// Checks a request for an answer the way the services do; the first violation found.
std::optional<Invalid> validateGenerate(const json::value& body, std::size_t body_bytes,
                                        const Limits& limits, const Policy& policy);

// How many tokens the simulator takes this document for.
std::int64_t estimateTokens(const json::object& conversation);

// A signature that belongs to exactly this thinking; `salt` makes it look like upstream's long
// ones.
std::string signThinking(const std::string& thinking, const std::string& salt);

}  // namespace omni::sim
