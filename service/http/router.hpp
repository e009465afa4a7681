#pragma once
// Finds the route of a request target. Immutable after construction, so thread-safe.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "service/http/route.hpp"

namespace omni::http {

// "%41" -> "A"; '+' becomes a space only where `plus_is_space` (queries). nullopt: malformed, or a
// control character.
std::optional<std::string> percentDecode(std::string_view text, bool plus_is_space = false);

struct Target {
  std::string raw_path;
  std::string path;  // decoded
  std::vector<std::string>
      segments;  // decoded one by one, so that an encoded slash stays inside its segment
  std::multimap<std::string, std::string> query;
};
// nullopt: not an absolute path, malformed encoding, or a dot-dot segment.
std::optional<Target> parseTarget(std::string_view target);

class Router {
 public:
  explicit Router(RouteTable routes);

  struct Match {
    const Route* route = nullptr;  // nullptr: see allow
    std::map<std::string, std::string> params;
    std::string allow;  // not empty: the path is known, for these methods only
    Door door = Door::Admin;
  };
  // A HEAD request takes the GET route when there is none of its own. A literal segment wins over a
  // {name}; a last segment {name*} takes the rest of the path.
  Match match(std::string_view method, const Target& target) const;

 private:
  struct Entry {
    Route route;
    std::vector<std::string> segments;
    bool takes_rest = false;  // the last segment is {name*}
  };
  std::vector<Entry> entries_;
};

}  // namespace omni::http
