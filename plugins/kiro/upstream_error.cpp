#include "plugins/kiro/upstream_error.hpp"

#include <fmt/format.h>

#include <charconv>

#include "plugins/kiro/json.hpp"

namespace omni::kiro {
namespace {

std::string shortType(std::string_view type) {
  if (const auto hash = type.rfind('#'); hash != std::string_view::npos)
    type.remove_prefix(hash + 1);
  return std::string(type.substr(0, type.find(':')));
}

void readBody(std::string_view body, UpstreamError& error) {
  const auto object = parseObject(body);
  if (!object) return;
  if (error.type.empty()) error.type = shortType(text(*object, "__type"));
  if (error.type.empty()) error.type = shortType(text(*object, "code"));
  error.reason = text(*object, "reason");
  error.oauth = text(*object, "error");
  for (auto name : {"message", "Message", "error_description"})
    if (error.message.empty()) error.message = text(*object, name);
  if (const auto delay = number(*object, "retryAfterMilliseconds"))
    error.retry_after_ms = milliseconds(*delay).value_or(-1);
}

bool has(std::string_view haystack, std::string_view needle) {
  return haystack.find(needle) != std::string_view::npos;
}

bool isOverflow(const UpstreamError& e) {
  return e.reason == "CONTENT_LENGTH_EXCEEDS_THRESHOLD" || e.reason == "PROMPT_TOO_LONG" ||
         e.reason == "CONVERSATION_LIMIT_EXCEEDED" || has(e.type, "ContentLengthExceeded") ||
         (e.reason.empty() &&
          (has(e.message, "Input is too long") || has(e.message, "content length exceeds") ||
           has(e.message, "max chat context length") || has(e.message, "Context window is full") ||
           has(e.message, "Prompt is too long")));
}

uint32_t kindOf(const UpstreamError& e) {
  if (isOverflow(e)) return OMNI_FAILURE_CONTEXT_LENGTH;
  if (e.reason == "MONTHLY_REQUEST_COUNT" || e.reason == "OVERAGE_REQUEST_LIMIT_EXCEEDED" ||
      e.reason == "DAILY_REQUEST_COUNT" || e.status == 402 ||
      e.type == "ServiceQuotaExceededException")
    return OMNI_FAILURE_QUOTA;
  if (e.reason == "INVALID_MODEL_ID") return OMNI_FAILURE_MODEL_UNAVAILABLE;
  if (e.reason == "TEMPORARILY_SUSPENDED" || (e.status == 403 && has(e.message, "suspended")))
    return OMNI_FAILURE_SUSPENDED;
  if (e.reason == "INSUFFICIENT_MODEL_CAPACITY" || e.reason == "MODEL_TEMPORARILY_UNAVAILABLE" ||
      e.reason == "SERVICE_REQUEST_RATE_EXCEEDED" ||
      (e.status == 500 && e.reason.empty() && has(e.message, "unexpectedly high load")))
    return OMNI_FAILURE_CAPACITY;
  if (e.status == 401) return OMNI_FAILURE_AUTH_INVALID;
  if (e.status == 403)
    return has(e.message, "bearer token") || has(e.message, "expired")
               ? OMNI_FAILURE_AUTH_INVALID
               : OMNI_FAILURE_NOT_AUTHORIZED;
  if (e.status == 429 || e.type == "ThrottlingException" || e.type == "throttlingError")
    return OMNI_FAILURE_RATE_LIMITED;
  // 524: the edge has waited its two minutes already. The others are over quickly.
  if (e.status == 524) return OMNI_FAILURE_TIMEOUT;
  if (e.status >= 500 || e.status == 408) return OMNI_FAILURE_UPSTREAM;
  // No host of either generation serves this account; another account's may.
  if (isUnknownOperation(e)) return OMNI_FAILURE_NOT_AUTHORIZED;
  if (e.status == 400 && (has(e.message, "profileArn") || has(e.message, "Invalid ARN")))
    return OMNI_FAILURE_NOT_AUTHORIZED;
  if (e.status >= 400) return OMNI_FAILURE_BAD_REQUEST;
  return OMNI_FAILURE_PROTOCOL;
}

}  // namespace

UpstreamError readError(const sdk::HttpResponse& response) {
  UpstreamError error;
  error.status = response.status;
  error.type = shortType(response.header("x-amzn-errortype"));
  readBody(response.body, error);
  if (const auto header = response.header("retry-after");
      error.retry_after_ms < 0 && !header.empty()) {
    int64_t seconds = 0;
    if (std::from_chars(header.data(), header.data() + header.size(), seconds).ec == std::errc() &&
        seconds >= 0)
      error.retry_after_ms = milliseconds(static_cast<double>(seconds) * 1000).value_or(-1);
  }
  return error;
}

sdk::Failure runtimeFailure(const UpstreamError& e) {
  sdk::Failure failure;
  failure.kind = kindOf(e);
  failure.upstream_status = e.status;
  failure.reason = e.reason;
  failure.retry_after_ms = e.retry_after_ms;
  if (e.reason == "USER_REQUEST_RATE_EXCEEDED" || e.reason == "CREDIT_CONSUMPTION_RATE_EXCEEDED")
    failure.scope = OMNI_SCOPE_ACCOUNT;
  failure.detail = fmt::format("HTTP {} {}", e.status, e.type);
  failure.message = fmt::format("Kiro answered {}{}{}", e.status, e.message.empty() ? "" : ": ",
                                redacted(e.message));
  if (failure.kind == OMNI_FAILURE_SUSPENDED)
    failure.message =
        fmt::format("Kiro has suspended this account; its owner has to write to {}", kSupport);
  if (failure.kind == OMNI_FAILURE_QUOTA && e.message.empty())
    failure.message = "Kiro: the account's credits are used up";
  return failure;
}

sdk::Failure streamFailure(std::string_view type, std::string_view payload) {
  UpstreamError error;
  error.type = shortType(type);
  readBody(payload, error);
  error.type = shortType(type);
  if (has(type, "throttling") || has(type, "Throttling"))
    error.status = 429;
  else if (has(type, "validation") || has(type, "Validation") || has(type, "ContentLength"))
    error.status = 400;
  else if (has(type, "serviceUnavailable") || has(type, "ServiceUnavailable"))
    error.status = 503;
  else if (has(type, "AccessDenied"))
    error.status = 403;
  else
    error.status = 500;
  sdk::Failure failure = runtimeFailure(error);
  failure.upstream_status = 200;
  failure.message = fmt::format("Kiro broke the answer off with {}{}{}", error.type,
                                error.message.empty() ? "" : ": ", redacted(error.message));
  return failure;
}

bool isRefusedSignature(const UpstreamError& e) {
  return e.status == 400 && e.reason == "THINKING_SIGNATURE_INVALID";
}

bool isRefusedFields(const UpstreamError& e) {
  if (e.status != 400 || (!e.reason.empty() && e.reason != "REQUEST_BODY_INVALID")) return false;
  for (const auto word : {"additionalModelRequestFields", "additional field", "output_config",
                          "thinking.type", "thinking.display", "effort", "max_tokens"})
    if (has(e.message, word)) return true;
  return false;
}

bool isUnknownOperation(const UpstreamError& e) {
  return e.status == 404 && (e.type.empty() || e.type == "UnknownOperationException");
}

}  // namespace omni::kiro
