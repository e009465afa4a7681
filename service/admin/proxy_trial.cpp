// Trying a proxy, and saying what to do when it does not work.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "service/admin/proxy_context.hpp"
#include "service/admin/proxy_json.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;

// The address that the world sees, when the answer is one or names one as "ip".
json::value publicIp(std::string_view body) {
  boost::system::error_code problem;
  const json::value parsed = json::parse(json::string_view(body.data(), body.size()), problem);
  std::string text(body);
  if (!problem && parsed.is_object()) {
    const json::value* ip = parsed.as_object().if_contains("ip");
    if (ip == nullptr || !ip->is_string()) return nullptr;
    text = std::string(ip->as_string());
  }
  const size_t begin = text.find_first_not_of(" \r\n\t");
  if (begin == std::string::npos) return nullptr;
  text = text.substr(begin, text.find_last_not_of(" \r\n\t") - begin + 1);
  const bool plausible = text.size() >= 3 && text.size() <= 45 &&
                         text.find_first_of(".:") != std::string::npos &&
                         std::all_of(text.begin(), text.end(), [](char c) {
                           return (c >= '0' && c <= '9') ||
                                  ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') || c == '.' || c == ':';
                         });
  return plausible ? json::value(text) : json::value(nullptr);
}

std::string advice(const Error& error, const ProxyRecord& record) {
  const std::string where = fmt::format("{}:{}", record.host, record.port);
  if (error.reason == "proxy_login")
    return record.username.empty()
               ? "Give the proxy a user name and a password with PATCH /api/proxies/{id}."
               : "Set the password again with PATCH /api/proxies/{id}, and ask whoever runs the "
                 "proxy whether this user may still use it.";
  if (error.reason == "proxy_refused")
    return "The proxy answers, but does not let this target through: allow it in the proxy's "
           "rules (port 443 to the hosts of your providers).";
  if (error.reason == "proxy_unreachable" || error.kind == FailureKind::Timeout)
    return fmt::format(
        "Check that the proxy runs and that this machine may reach {}; that the type is right "
        "(http, https and socks5 do not understand each other); and for https, that its "
        "certificate is trusted (upstream.caFile).",
        where);
  return "The proxy works as far as the target; the target itself did not answer as it should.";
}

}  // namespace

Result<json::object> testProxy(ProxyContext& context, const ProxyRecord& record,
                               const ProxyRoute& route, std::string_view url,
                               const CancelToken& cancel) {
  const std::vector<std::string>& allowed = context.deps.test_urls;
  if (allowed.empty())
    return makeError(FailureKind::Unsupported,
                     "Tests of proxies are switched off: proxies.testUrls is empty.");
  if (url.empty()) url = allowed.front();
  if (std::find(allowed.begin(), allowed.end(), url) == allowed.end())
    return makeError(FailureKind::BadRequest,
                     fmt::format("\"url\" must be one of {}. The setting proxies.testUrls allows "
                                 "others.",
                                 fmt::join(allowed, ", ")),
                     "url");
  const int64_t begun = context.deps.clock.steadyMs();
  auto result = context.deps.tester.test(route, url, cancel);
  json::object out{{"success", result.has_value()},
                   {"proxyId", record.id.empty() ? json::value(nullptr) : json::value(record.id)},
                   {"proxyUrl", shownProxyUrl(record)},
                   {"url", url},
                   {"testedAt", isoTime(context.deps.clock.nowMs())}};
  if (result) {
    out["latencyMs"] = result->latency_ms;
    out["status"] = result->status;
    out["publicIp"] = publicIp(result->body);
    out["error"] = nullptr;
    return out;
  }
  const Error& error = result.error();
  if (error.kind == FailureKind::Cancelled || error.kind == FailureKind::Internal ||
      error.kind == FailureKind::BadRequest)
    return std::unexpected(error);
  out["latencyMs"] = context.deps.clock.steadyMs() - begun;
  out["status"] = nullptr;
  out["publicIp"] = nullptr;
  out["error"] = error.message;
  out["reason"] = error.reason;
  out["advice"] = advice(error, record);
  return out;
}

}  // namespace omni::admin
