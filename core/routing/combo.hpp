#pragma once
// A combo: a named, ordered or balanced set of targets that a client calls like a model.

#include <cstdint>
#include <string>
#include <vector>

namespace omni::routing {

enum class Strategy { Priority, RoundRobin };

// `text` is what the user wrote: provider/connection, provider/connection/model or provider/model.
// It is resolved against the live connections at each request, connection names first, so that
// renaming and adding accounts need no edit here.
struct Target {
  std::string text;
};

struct Combo {
  std::string id;    // UUID
  std::string name;  // unique; what the client sends as model
  Strategy strategy = Strategy::Priority;
  std::vector<Target> targets;
  int64_t created_ms = 0;
  int64_t updated_ms = 0;
};

}  // namespace omni::routing
