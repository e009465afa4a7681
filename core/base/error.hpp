#pragma once
// The one error type of the data plane and the Result alias. Values only: nothing here throws.

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>

namespace omni {

// What went wrong, as far as routing, account state and the client's answer depend on it. The
// numbers equal OMNI_FAILURE_* of the plugin ABI (checked by static_assert in service/plugins), so
// that the adapter can cast.
enum class FailureKind : uint32_t {
  Internal = 0,
  Network = 1,
  Timeout = 2,
  Upstream = 3,
  AuthInvalid = 4,
  ReauthRequired = 5,
  Suspended = 6,
  NotAuthorized = 7,
  Quota = 8,
  RateLimited = 9,
  Capacity = 10,
  ContextLength = 11,
  ModelUnavailable = 12,
  BadRequest = 13,
  EmptyResponse = 14,
  Protocol = 15,
  Conflict = 16,
  NotFound = 17,
  // Host-side kinds, never sent by a plugin:
  Cancelled = 100,
  Unsupported = 101,
  PayloadTooLarge = 102,
  UnsupportedMediaType = 103,
  Unauthorized = 104,  // the caller of this service, not an account
  Forbidden = 105,
  Unavailable = 106,  // nothing can serve this now; come back after retry_after_ms
};

// How far a failure reaches; only where the provider says so. Default: what the error table says of
// the kind.
enum class FailureScope : uint32_t { Default = 0, Account = 1, AccountModel = 2 };

struct Error {
  FailureKind kind = FailureKind::Internal;
  std::string message;          // for people: what happened and what to do; never holds a secret
  std::string detail;           // for the log; never holds a secret
  std::string reason;           // upstream's machine-readable reason, or this side's code
  std::string field;            // which member of the input was wrong
  int upstream_status = 0;      // 0: none
  int64_t retry_after_ms = -1;  // -1: unknown
  int64_t reset_at_ms = -1;     // Unix ms; -1: unknown
  FailureScope scope = FailureScope::Default;
  std::string conflict_id;  // Conflict: the id of what is there already
};

template <typename T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> makeError(FailureKind kind, std::string message,
                                        std::string field = {}) {
  Error error;
  error.kind = kind;
  error.message = std::move(message);
  error.field = std::move(field);
  return std::unexpected(std::move(error));
}

}  // namespace omni
