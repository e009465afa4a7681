#include "plugins/kiro/provider.hpp"

#include <fmt/format.h>

#include "plugins/kiro/auth_headers.hpp"
#include "plugins/kiro/control.hpp"
#include "plugins/kiro/refresh.hpp"
#include "plugins/kiro/reply.hpp"
#include "plugins/kiro/translate.hpp"
#include "plugins/kiro/upstream_error.hpp"

namespace omni::kiro {
namespace {

constexpr size_t kLargestError = 64u << 10;

// URL and headers of GenerateAssistantResponse in each generation (kiro-protocol 0.3, E.3).
sdk::HttpRequest prepare(const Endpoints& endpoints, Wire wire, std::string_view region) {
  sdk::HttpRequest request;
  request.headers = {{"User-Agent", userAgent()}, {"x-amzn-codewhisperer-optout", "true"}};
  const std::string base =
      wire == Wire::Legacy ? endpoints.legacy(region) : endpoints.runtime(region);
  if (wire == Wire::Legacy) {
    request.url = base + "/generateAssistantResponse";
    request.headers.push_back({"Content-Type", "application/json"});
    request.headers.push_back({"Accept", "application/vnd.amazon.eventstream"});
    request.headers.push_back({"x-amzn-kiro-agent-mode", "vibe"});
  } else {
    request.url = base + "/";
    request.headers.push_back({"Content-Type", "application/x-amz-json-1.0"});
    request.headers.push_back(
        {"X-Amz-Target", wire == Wire::Kiro
                             ? "KiroRuntimeService.GenerateAssistantResponse"
                             : "AmazonCodeWhispererStreamingService.GenerateAssistantResponse"});
  }
  return request;
}

sdk::Result<> send(sdk::Call& call, const sdk::HttpRequest& request, const Translated& translated,
                   sdk::EventSink& sink) {
  sdk::HttpResponse head;
  Reply reply(sink, translated.tool_names);
  auto sent = call.http(
      request,
      [&](const sdk::HttpResponse& response) -> sdk::Result<> {
        head = response;
        return {};
      },
      [&](std::string_view bytes) -> sdk::Result<> {
        if (head.status == 200) return reply.feed(bytes);
        if (head.body.size() < kLargestError)
          head.body.append(bytes.substr(0, kLargestError - head.body.size()));
        return {};
      });
  if (!sent) return sent;
  if (head.status != 200) return std::unexpected(runtimeFailure(readError(head)));
  return reply.finish();
}

}  // namespace

sdk::Result<> KiroProvider::complete(sdk::Call& call, const omni_request_t& request,
                                     sdk::EventSink& sink) {
  const DataTarget target = dataTarget(call, endpoints_);
  TranslateOptions options;
  options.profile_arn = target.profile_arn;
  options.agent_mode_in_body = target.wire != Wire::Legacy;
  auto translated = translate(request, options);
  if (!translated) return std::unexpected(std::move(translated.error()));

  std::string seen;
  for (int attempt = 0;; ++attempt) {
    auto token = freshAccessToken(call, endpoints_,
                                  seen.empty() ? RefreshWhen::NearExpiry : RefreshWhen::Now, seen);
    if (!token) return std::unexpected(std::move(token.error()));
    sdk::HttpRequest http = prepare(endpoints_, target.wire, target.region);
    addAuthHeaders(call, *token, http.headers);
    http.body = translated->body;
    auto result = send(call, http, *translated, sink);
    // A refused token is refreshed once; the refusal comes before any content, so nothing is sent
    // twice.
    if (result || result.error().kind != OMNI_FAILURE_AUTH_INVALID ||
        result.error().upstream_status == 200 || result.error().cancelled ||
        result.error().reported || attempt > 0)
      return result;
    seen = std::move(*token);
  }
}

sdk::Result<std::optional<std::string>> KiroProvider::control(sdk::Call& call,
                                                              std::string_view method,
                                                              std::string_view input) {
  return controlMethod(*this, call, endpoints_, method, input);
}

}  // namespace omni::kiro
