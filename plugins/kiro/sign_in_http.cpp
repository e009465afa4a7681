#include "plugins/kiro/sign_in_http.hpp"

#include "plugins/kiro/endpoints.hpp"

namespace omni::kiro {
namespace {

constexpr int64_t kTimeoutMs = 20'000;
constexpr size_t kLargestAnswer = 1u << 20;

sdk::Result<sdk::HttpResponse> post(sdk::Call& call, std::string url, std::string_view type,
                                    std::string_view body, Repeat repeat) {
  sdk::HttpRequest request;
  request.url = std::move(url);
  request.headers = {{"Content-Type", std::string(type)},
                     {"Accept", "application/json"},
                     {"User-Agent", userAgent()}};
  request.body = body;
  request.idempotent = repeat == Repeat::Allowed;
  // The issuer has taken the old token or code; who leaves now must not cost the new one.
  request.finish = repeat == Repeat::Never;
  request.first_byte_timeout_ms = kTimeoutMs;
  request.idle_timeout_ms = kTimeoutMs;
  return call.fetch(request, kLargestAnswer);
}

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

sdk::Result<sdk::HttpResponse> postJson(sdk::Call& call, std::string url, const json::object& body,
                                        Repeat repeat) {
  return post(call, std::move(url), "application/json", json::serialize(body), repeat);
}

sdk::Result<sdk::HttpResponse> postForm(sdk::Call& call, std::string url,
                                        const FormFields& fields) {
  std::string body;
  for (const auto& [name, value] : fields) {
    if (!body.empty()) body += '&';
    body += percentEncoded(name) + '=' + percentEncoded(value);
  }
  return post(call, std::move(url), "application/x-www-form-urlencoded", body, Repeat::Never);
}

std::string percentEncoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (unreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

std::optional<std::string> percentDecoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hexDigit(text[i + 1]), low = hexDigit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

}  // namespace omni::kiro
