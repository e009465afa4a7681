#include "core/errors/error_table.hpp"

#include <array>

namespace omni {
namespace {

using enum FailureKind;
using Effect = AccountEffect;

constexpr std::array kTable = {
    // kind, account effect, retries, other, trouble, HTTP, OpenAI type, code, Anthropic type
    ErrorRule{Internal, Effect::None, 0, true, Trouble::Way, 500, "server_error", "internal_error",
              "api_error"},
    ErrorRule{Network, Effect::None, 2, true, Trouble::Way, 502, "server_error",
              "upstream_unreachable", "api_error"},
    ErrorRule{Timeout, Effect::None, 0, true, Trouble::Way, 504, "server_error", "upstream_timeout",
              "timeout_error"},
    ErrorRule{Upstream, Effect::None, 2, true, Trouble::Way, 502, "server_error", "upstream_error",
              "api_error"},
    ErrorRule{AuthInvalid, Effect::Cool, 0, true, Trouble::None, 401, "authentication_error",
              "upstream_auth_invalid", "authentication_error"},
    ErrorRule{ReauthRequired, Effect::ReauthRequired, 0, true, Trouble::None, 401,
              "authentication_error", "reauth_required", "authentication_error"},
    ErrorRule{Suspended, Effect::Suspend, 0, true, Trouble::None, 403, "permission_error",
              "account_suspended", "permission_error"},
    ErrorRule{NotAuthorized, Effect::None, 0, true, Trouble::Gate, 403, "permission_error",
              "not_authorized", "permission_error"},
    ErrorRule{Quota, Effect::Exhaust, 0, true, Trouble::None, 402, "insufficient_quota",
              "insufficient_quota", "billing_error"},
    ErrorRule{RateLimited, Effect::Cool, 0, true, Trouble::None, 429, "rate_limit_error",
              "rate_limit_exceeded", "rate_limit_error"},
    ErrorRule{Capacity, Effect::None, 1, true, Trouble::Model, 503, "server_error",
              "model_overloaded", "overloaded_error"},
    ErrorRule{ContextLength, Effect::None, 0, false, Trouble::None, 400, "invalid_request_error",
              "context_length_exceeded", "invalid_request_error"},
    ErrorRule{ModelUnavailable, Effect::None, 0, true, Trouble::Gate, 404, "invalid_request_error",
              "model_not_found", "not_found_error"},
    ErrorRule{BadRequest, Effect::None, 0, false, Trouble::None, 400, "invalid_request_error",
              "invalid_request", "invalid_request_error"},
    ErrorRule{EmptyResponse, Effect::None, 1, true, Trouble::Way, 502, "server_error",
              "empty_response", "api_error"},
    ErrorRule{Protocol, Effect::None, 0, true, Trouble::Way, 502, "server_error",
              "upstream_protocol", "api_error"},
    ErrorRule{Conflict, Effect::None, 0, false, Trouble::None, 409, "invalid_request_error",
              "conflict", "invalid_request_error"},
    ErrorRule{NotFound, Effect::None, 0, false, Trouble::None, 404, "invalid_request_error",
              "not_found", "not_found_error"},
    ErrorRule{Cancelled, Effect::None, 0, false, Trouble::None, 499, "server_error",
              "client_disconnected", "api_error"},
    ErrorRule{Unsupported, Effect::None, 0, false, Trouble::None, 501, "invalid_request_error",
              "unsupported", "invalid_request_error"},
    ErrorRule{PayloadTooLarge, Effect::None, 0, false, Trouble::None, 413, "invalid_request_error",
              "request_too_large", "request_too_large"},
    ErrorRule{UnsupportedMediaType, Effect::None, 0, false, Trouble::None, 415,
              "invalid_request_error", "unsupported_media_type", "invalid_request_error"},
    ErrorRule{Unauthorized, Effect::None, 0, false, Trouble::None, 401, "authentication_error",
              "invalid_api_key", "authentication_error"},
    ErrorRule{Forbidden, Effect::None, 0, false, Trouble::None, 403, "permission_error",
              "forbidden", "permission_error"},
    ErrorRule{Unavailable, Effect::None, 0, false, Trouble::None, 503, "server_error",
              "unavailable", "overloaded_error"},
};

void member(std::string& out, std::string_view name, std::string_view value) {
  out += ",\"";
  out += name;
  out += "\":";
  appendJsonString(out, value);
}

}  // namespace

std::span<const ErrorRule> errorTable() {
  return kTable;
}

const ErrorRule& errorRule(FailureKind kind) {
  for (const ErrorRule& rule : kTable)
    if (rule.kind == kind) return rule;
  return kTable.front();
}

int httpStatus(const Error& error) {
  return errorRule(error.kind).http_status;
}

std::string openaiErrorBody(const Error& error) {
  const ErrorRule& rule = errorRule(error.kind);
  std::string out = "{\"error\":{\"message\":";
  appendJsonString(out, error.message);
  member(out, "type", rule.openai_type);
  if (error.field.empty())
    out += ",\"param\":null";
  else
    member(out, "param", error.field);
  member(out, "code", rule.code);
  if (!error.reason.empty()) member(out, "reason", error.reason);
  out += "}}";
  return out;
}

std::string adminErrorBody(const Error& error) {
  std::string out = "{\"error\":{\"message\":";
  appendJsonString(out, error.message);
  member(out, "code", errorRule(error.kind).code);
  if (!error.field.empty()) member(out, "field", error.field);
  if (!error.reason.empty()) member(out, "reason", error.reason);
  if (!error.conflict_id.empty()) member(out, "connectionId", error.conflict_id);
  out += "}}";
  return out;
}

void appendJsonString(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, start, i - start);
    start = i + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += "\\u00";
        out += kHex[c >> 4];
        out += kHex[c & 15];
    }
  }
  out.append(text, start);
  out += '"';
}

}  // namespace omni
