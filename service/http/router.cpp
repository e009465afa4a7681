#include "service/http/router.hpp"

#include <algorithm>

namespace omni::http {
namespace {

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A dot segment, also one that was hidden by encoding its slash: a file handler must never see it.
bool climbs(std::string_view decoded) {
  while (true) {
    const size_t end = decoded.find_first_of("/\\");
    const std::string_view part = decoded.substr(0, end);
    if (part == "." || part == "..") return true;
    if (end == std::string_view::npos) return false;
    decoded.remove_prefix(end + 1);
  }
}

bool isParam(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool isRest(std::string_view segment) {
  return isParam(segment) && segment[segment.size() - 2] == '*';
}

// How specific a pattern is: literal before {name} before {name*}, segment by segment.
std::string rank(const std::vector<std::string>& segments) {
  std::string result;
  for (const auto& s : segments) result += isRest(s) ? '2' : isParam(s) ? '1' : '0';
  return result;
}

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path,
             std::map<std::string, std::string>* params) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    const std::string& want = pattern[i];
    if (isRest(want)) {
      std::string rest;
      for (size_t k = i; k < path.size(); ++k) rest += (k > i ? "/" : "") + path[k];
      if (params) (*params)[want.substr(1, want.size() - 3)] = std::move(rest);
      return true;
    }
    if (i >= path.size()) return false;
    if (isParam(want)) {
      if (path[i].empty()) return false;
      if (params) (*params)[want.substr(1, want.size() - 2)] = path[i];
    } else if (want != path[i]) {
      return false;
    }
  }
  return pattern.size() == path.size();
}

// Nothing to decode and nothing to refuse.
bool isPlain(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c > 0x20 && c < 0x7f && c != '%' && c != '+'; });
}

// Calls take(part) for each part; false as soon as it says so.
template <typename Take>
bool eachPart(std::string_view text, char separator, Take&& take) {
  while (true) {
    const size_t end = text.find(separator);
    if (!take(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::optional<std::string> percentDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  if (isPlain(text)) return std::string(text);
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hexValue(text[i + 1]);
      const int low = hexValue(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    const auto byte = static_cast<unsigned char>(c);
    // A query value may hold a line break (a pasted text); a path never does.
    const bool line = plus_is_space && (c == '\n' || c == '\r' || c == '\t');
    if ((byte < 0x20 && !line) || byte == 0x7f) return std::nullopt;
    out += c;
  }
  return out;
}

std::optional<Target> parseTarget(std::string_view target) {
  if (target.empty() || target.front() != '/') return std::nullopt;
  Target result;
  const size_t question = target.find('?');
  const std::string_view path = target.substr(0, question);
  if (path.find('#') != std::string_view::npos) return std::nullopt;
  result.raw_path = path;
  result.path.reserve(path.size());
  result.segments.reserve(static_cast<size_t>(std::ranges::count(path, '/')));
  const bool good_path = eachPart(path.substr(1), '/', [&](std::string_view segment) {
    auto decoded = percentDecode(segment);
    if (!decoded || climbs(*decoded)) return false;
    result.path += '/';
    result.path += *decoded;
    result.segments.push_back(std::move(*decoded));
    return true;
  });
  if (!good_path) return std::nullopt;
  if (question == std::string_view::npos) return result;
  const bool good_query = eachPart(target.substr(question + 1), '&', [&](std::string_view pair) {
    if (pair.empty()) return true;
    const size_t equals = pair.find('=');
    auto key = percentDecode(pair.substr(0, equals), true);
    auto value = equals == std::string_view::npos ? std::optional<std::string>("")
                                                  : percentDecode(pair.substr(equals + 1), true);
    if (!key || !value) return false;
    result.query.emplace(std::move(*key), std::move(*value));
    return true;
  });
  if (!good_query) return std::nullopt;
  return result;
}

Router::Router(RouteTable routes) {
  for (Route& route : routes) {
    Entry entry;
    std::string_view pattern = route.pattern;
    if (!pattern.empty() && pattern.front() == '/') pattern.remove_prefix(1);
    eachPart(pattern, '/', [&](std::string_view segment) {
      entry.segments.emplace_back(segment);
      return true;
    });
    entry.takes_rest = isRest(entry.segments.back());
    entry.route = std::move(route);
    entries_.push_back(std::move(entry));
  }
  std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return rank(a.segments) < rank(b.segments);
  });
}

Router::Match Router::match(std::string_view method, const Target& target) const {
  Match result;
  const Entry* get_entry = nullptr;
  const Entry* hit = nullptr;
  for (const Entry& entry : entries_) {
    if (!entry.takes_rest && entry.segments.size() != target.segments.size()) continue;
    if (!matches(entry.segments, target.segments, nullptr)) continue;
    result.door = entry.route.door;
    if (entry.route.method == method) {
      hit = &entry;
      break;
    }
    if (entry.route.method == "GET" && !get_entry) get_entry = &entry;
    if (result.allow.find(entry.route.method) == std::string::npos) {
      result.allow += (result.allow.empty() ? "" : ", ") + entry.route.method;
      if (entry.route.method == "GET") result.allow += ", HEAD";
    }
  }
  if (!hit && method == "HEAD") hit = get_entry;
  if (hit) {
    result.route = &hit->route;
    result.door = hit->route.door;
    result.allow.clear();
    matches(hit->segments, target.segments, &result.params);
  }
  return result;
}

}  // namespace omni::http
