#include "plugins/openai/upstream_error.hpp"

#include <fmt/format.h>

#include <charconv>

namespace omni::openai_upstream {
namespace {

constexpr size_t kMaxMessage = 500;

struct Details {
  std::string message;
  std::string type;
  std::string code;
};

std::string scalarText(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(jsonView(name));
  if (!found) return {};
  if (found->is_string()) return std::string(viewOf(found->get_string()));
  return found->is_number() ? json::serialize(*found) : std::string();
}

Details readDetails(const json::object& document) {
  Details out;
  const json::object* from = objectOf(document, "error");
  if (!from) {
    out.message = textOf(document, "error");
    from = &document;
  }
  for (const char* name : {"message", "detail", "error_description"})
    if (out.message.empty()) out.message = textOf(*from, name);
  out.type = scalarText(*from, "type");
  out.code = scalarText(*from, "code");
  return out;
}

bool has(std::string_view haystack, std::string_view needle) {
  return haystack.find(needle) != std::string_view::npos;
}

bool isOverflow(const Details& d) {
  return d.code == "context_length_exceeded" || has(d.message, "maximum context length") ||
         has(d.message, "context length exceeded") || has(d.message, "context window") ||
         has(d.message, "exceeds the available context size");
}

bool isQuota(const Details& d) {
  return d.code == "insufficient_quota" || d.type == "insufficient_quota" ||
         d.code == "billing_hard_limit_reached" || d.code == "billing_not_active" ||
         d.type == "billing_error";
}

bool isMissingModel(const Details& d) {
  return d.code == "model_not_found" || d.type == "model_not_found" ||
         (has(d.message, "model") &&
          (has(d.message, "not found") || has(d.message, "does not exist") ||
           has(d.message, "not exist")));
}

bool isCapacity(const Details& d) {
  return d.type == "overloaded_error" || d.code == "model_overloaded" ||
         d.code == "engine_overloaded" || has(d.message, "overloaded") ||
         has(d.message, "Loading model");
}

uint32_t kindOf(uint32_t status, const Details& d) {
  if (isOverflow(d)) return OMNI_FAILURE_CONTEXT_LENGTH;
  if (status == 402 || isQuota(d)) return OMNI_FAILURE_QUOTA;
  switch (status) {
    case 401:
      // There is nothing to refresh: the key is wrong until a person gives another.
      return OMNI_FAILURE_REAUTH_REQUIRED;
    case 403:
      return OMNI_FAILURE_NOT_AUTHORIZED;
    case 404:
      return OMNI_FAILURE_MODEL_UNAVAILABLE;
    case 408:
    case 504:
    case 524:
      return OMNI_FAILURE_TIMEOUT;
    case 429:
      return isCapacity(d) ? OMNI_FAILURE_CAPACITY : OMNI_FAILURE_RATE_LIMITED;
    case 503:
    case 529:
      return OMNI_FAILURE_CAPACITY;
    default:
      break;
  }
  if (status >= 500) return isCapacity(d) ? OMNI_FAILURE_CAPACITY : OMNI_FAILURE_UPSTREAM;
  if (isMissingModel(d)) return OMNI_FAILURE_MODEL_UNAVAILABLE;
  if (status >= 400) return OMNI_FAILURE_BAD_REQUEST;
  return OMNI_FAILURE_PROTOCOL;  // a redirect, or a success that is none
}

// Sums of "1h2m3.5s" and "20ms"; a bare number counts seconds. -1: not understood.
int64_t durationMs(std::string_view text) {
  double total = 0;
  if (text.empty()) return -1;
  while (!text.empty()) {
    double value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || !(value >= 0)) return -1;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    double unit = 1000;
    if (text.starts_with("ms")) {
      unit = 1;
      text.remove_prefix(2);
    } else if (!text.empty()) {
      if (text[0] == 'h')
        unit = 3'600'000;
      else if (text[0] == 'm')
        unit = 60'000;
      else if (text[0] != 's')
        return -1;
      text.remove_prefix(1);
    }
    total += value * unit;
  }
  return total <= 1e12 ? static_cast<int64_t>(total) : -1;
}

int64_t retryAfter(const sdk::HttpResponse& response) {
  if (const auto ms = response.header("retry-after-ms"); !ms.empty()) {
    int64_t value = 0;
    if (std::from_chars(ms.data(), ms.data() + ms.size(), value).ec == std::errc() && value >= 0)
      return value;
  }
  if (const int64_t ms = durationMs(response.header("retry-after")); ms >= 0) return ms;
  if (response.status == 429) return durationMs(response.header("x-ratelimit-reset-requests"));
  return -1;
}

sdk::Failure make(uint32_t status, Details details) {
  sdk::Failure failure;
  failure.kind = kindOf(status, details);
  failure.upstream_status = status;
  failure.reason = !details.code.empty() ? details.code : details.type;
  // OpenAI's limits are of a model (API guide, "Rate limits"), and so are those of whoever copies
  // its code; a server that says no more may mean the key.
  if (failure.kind == OMNI_FAILURE_RATE_LIMITED &&
      (details.code == "rate_limit_exceeded" || details.code == "model_rate_limit_exceeded"))
    failure.scope = OMNI_SCOPE_ACCOUNT_MODEL;
  failure.detail = fmt::format("HTTP {} {}", status, failure.reason);
  if (details.message.size() > kMaxMessage) {
    details.message.resize(kMaxMessage);
    details.message += "…";
  }
  failure.message = fmt::format("The upstream answered {}{}{}", status,
                                details.message.empty() ? "" : ": ", details.message);
  return failure;
}

}  // namespace

sdk::Failure httpFailure(const sdk::HttpResponse& response) {
  const auto document = parseObject(response.body);
  sdk::Failure failure = make(response.status, document ? readDetails(*document) : Details{});
  // Upstreams like to quote the key in "Incorrect API key provided: sk-…": never passed on.
  if (response.status == 401)
    failure.message =
        "The upstream refused the API key (401). Import the account again with a "
        "valid key.";
  failure.retry_after_ms = retryAfter(response);
  return failure;
}

sdk::Failure inBandFailure(const json::object& document) {
  Details details = readDetails(document);
  // A gateway in between often names the status it would have sent.
  uint32_t status = 0;
  const std::string& code = details.code;
  if (code.size() == 3) std::from_chars(code.data(), code.data() + code.size(), status);
  if (status < 400 || status > 599) {
    if (details.type == "rate_limit_error" || code == "rate_limit_exceeded")
      status = 429;
    else if (details.type == "invalid_request_error")
      status = 400;
    else if (details.type == "authentication_error")
      status = 401;
    else if (details.type == "permission_error")
      status = 403;
    else
      status = 500;
  }
  const std::string message = details.message;
  sdk::Failure failure = make(status, std::move(details));
  failure.upstream_status = 200;
  failure.message = status == 401
                        ? std::string("The upstream refused the API key.")
                        : fmt::format("The upstream broke the answer off{}{}",
                                      message.empty() ? "" : ": ", message.substr(0, kMaxMessage));
  return failure;
}

}  // namespace omni::openai_upstream
