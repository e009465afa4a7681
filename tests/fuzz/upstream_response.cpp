// An upstream's HTTP answer, cut into pieces of a size that the first byte chooses.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "service/upstream/response_parser.hpp"

namespace {

struct Seen {
  int status = 0;
  std::string body;
  bool ok = false;
  bool reusable = false;
  bool operator==(const Seen&) const = default;
};

Seen parse(std::string_view bytes, size_t piece) {
  Seen seen;
  const omni::UpstreamClient::OnResponse on_response =
      [&](int status, const std::vector<omni::HttpHeader>&) -> omni::Result<> {
    seen.status = status;
    return {};
  };
  const omni::UpstreamClient::OnBody on_body = [&](std::string_view part) -> omni::Result<> {
    seen.body.append(part);
    return {};
  };
  omni::upstream::ResponseParser parser(false, on_response, on_body);
  while (!bytes.empty() && !parser.done()) {
    const auto part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    if (!parser.feed(part)) return seen;
  }
  seen.ok = parser.done() || parser.end().has_value();
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Seen whole = parse(bytes, bytes.size() + 1);
  const Seen pieces = parse(bytes, data[0] % 7u + 1);
  // What an answer says must not depend on how the network cuts it. (A body that turns out broken
  // may have been delivered further in one cut than in the other.)
  if (whole.ok != pieces.ok || whole.status != pieces.status) std::abort();
  if (whole.ok && whole.body != pieces.body) std::abort();
  return 0;
}
