#include "service/admin/doorkeeper.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace omni::admin {
namespace {

constexpr std::string_view kPasswordKey = "admin.password";
constexpr size_t kShortestPassword = 8;
constexpr size_t kLongestPassword = 1024;
constexpr int kMostHashing = 2;  // each takes 32 MB and a core

std::unexpected<Error> refused(FailureKind kind, std::string reason, std::string message,
                               int64_t retry_after_ms = -1) {
  Error error;
  error.kind = kind;
  error.reason = std::move(reason);
  error.message = std::move(message);
  error.retry_after_ms = retry_after_ms;
  return std::unexpected(std::move(error));
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// "Bearer" in any case; empty for other schemes.
std::string_view bearer(std::string_view header) {
  constexpr std::string_view kScheme = "bearer ";
  if (header.size() < kScheme.size()) return {};
  for (size_t i = 0; i < kScheme.size(); ++i)
    if ((header[i] | 0x20) != (kScheme[i] | 0x20)) return {};
  return trim(header.substr(kScheme.size()));
}

std::string presentedKey(const http::Request& request) {
  if (!request.header) return {};
  const std::string authorization = request.header("authorization");
  std::string other(trim(request.header("x-api-key")));
  std::string first(bearer(authorization));
  // A client may fill one of the two with a made-up word.
  if (!first.starts_with(access::kKeyPrefix) && other.starts_with(access::kKeyPrefix)) return other;
  return first.empty() ? other : first;
}

bool openToAll(const http::Route& route) {
  return route.pattern == "/api/auth/login" || route.pattern == "/api/auth/logout" ||
         route.pattern == "/api/auth/session";
}

}  // namespace

Result<> Doorkeeper::load() {
  auto stored = deps_.settings.setting(kPasswordKey);
  if (!stored) return std::unexpected(std::move(stored.error()));
  const std::lock_guard lock(mutex_);
  password_hash_ = std::move(*stored);
  return {};
}

bool Doorkeeper::hasPassword() const {
  const std::lock_guard lock(mutex_);
  return !password_hash_.empty();
}

std::string_view Doorkeeper::cookieName(const http::Request& request) {
  return request.secure ? kSecureCookie : kCookie;
}

std::string Doorkeeper::sessionToken(const http::Request& request) {
  if (!request.header) return {};
  const std::string_view name = cookieName(request);
  const std::string header = request.header("cookie");
  std::string_view left = header;
  while (!left.empty()) {
    const size_t end = std::min(left.find(';'), left.size());
    const std::string_view pair = trim(left.substr(0, end));
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('='))
      return std::string(pair.substr(name.size() + 1));
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return {};
}

bool Doorkeeper::takeSession(http::Request& request) {
  const std::string token = sessionToken(request);
  if (token.empty() || !deps_.sessions.use(token)) return false;
  request.caller = fmt::format("admin@{}", request.remote_address);
  return true;
}

Result<bool> Doorkeeper::takeKey(http::Request& request, bool admin, bool lenient) {
  const std::string presented = presentedKey(request);
  if (presented.empty()) return false;
  auto key = deps_.keys.authenticate(presented);
  if (!key) {
    if (lenient && key.error().reason == "invalid_api_key" &&
        !presented.starts_with(access::kKeyPrefix))
      return false;
    return std::unexpected(std::move(key.error()));
  }
  if (admin ? !key->policy.admin : !key->policy.inference)
    return refused(FailureKind::Forbidden, "key_scope",
                   fmt::format("The API key \"{}\" lacks the scope \"{}\".", key->name,
                               admin ? "admin" : "inference"));
  request.caller = fmt::format("key:{}", key->name);
  request.caller_id = key->id;
  return true;
}

Result<> Doorkeeper::authorizeAdmin(http::Request& request) {
  auto key = takeKey(request, true, !hasPassword() && request.loopback);
  if (!key) return std::unexpected(std::move(key.error()));
  if (*key || takeSession(request)) return {};
  if (hasPassword())
    return refused(FailureKind::Unauthorized, "login_required",
                   "Log in with POST /api/auth/login, or send an API key of the scope \"admin\" as "
                   "Authorization: Bearer.");
  if (request.loopback) return {};
  return refused(
      FailureKind::Forbidden, "local_only",
      "There is no admin password yet, so only callers on the machine of the service may "
      "administer it. Call http://127.0.0.1 there, for instance through an SSH tunnel.");
}

Result<> Doorkeeper::authorizeInference(http::Request& request) {
  const bool optional = request.loopback && !deps_.keys_on_loopback;
  auto key = takeKey(request, false, optional);
  if (!key) return std::unexpected(std::move(key.error()));
  if (*key || takeSession(request) || optional) return {};
  return refused(
      FailureKind::Unauthorized, "api_key_required",
      "An API key is needed: send it as Authorization: Bearer or x-api-key. Keys are made "
      "with POST /api/keys.");
}

Result<> Doorkeeper::authorize(http::Request& request, const http::Route& route) {
  if (route.door == http::Door::Health || openToAll(route)) return {};
  return route.door == http::Door::Inference ? authorizeInference(request)
                                             : authorizeAdmin(request);
}

// Hashing is slow on purpose; a crowd of log-ins must not take every core and all memory.
struct Doorkeeper::Slot {
  explicit Slot(Doorkeeper& owner) : keeper(owner) {
    const std::lock_guard lock(keeper.mutex_);
    entered = keeper.hashing_ < kMostHashing;
    if (entered) ++keeper.hashing_;
  }
  ~Slot() {
    if (!entered) return;
    const std::lock_guard lock(keeper.mutex_);
    --keeper.hashing_;
  }
  Doorkeeper& keeper;
  bool entered = false;
};

Result<bool> Doorkeeper::verify(std::string_view password, std::string_view address) {
  if (const int64_t wait = throttle_.wait(address, deps_.clock.steadyMs()); wait > 0)
    return refused(FailureKind::RateLimited, "too_many_attempts",
                   "Too many wrong passwords from this address. Wait before the next try.", wait);
  const Slot slot(*this);
  if (!slot.entered)
    return refused(FailureKind::RateLimited, "busy",
                   "Other log-ins are being checked. Try again in a moment.", 1000);
  std::string hash;
  {
    const std::lock_guard lock(mutex_);
    hash = password_hash_;
  }
  auto right = password.size() <= kLongestPassword ? deps_.passwords.verifyPassword(password, hash)
                                                   : Result<bool>(false);
  if (!right) return right;
  if (*right)
    throttle_.succeeded(address);
  else
    throttle_.failed(address, deps_.clock.steadyMs());
  return right;
}

Result<std::string> Doorkeeper::logIn(std::string_view password, std::string_view address) {
  if (!hasPassword())
    return refused(FailureKind::Forbidden, "no_password",
                   "No admin password is set yet. Set one on the machine of the service with PUT "
                   "/api/settings/password.");
  auto right = verify(password, address);
  if (!right) return std::unexpected(std::move(right.error()));
  if (!*right)
    return refused(FailureKind::Unauthorized, "wrong_password", "The password is wrong.");
  return deps_.sessions.open();
}

Result<> Doorkeeper::setPassword(std::string_view current, std::string_view fresh,
                                 std::string_view address) {
  if (fresh.size() < kShortestPassword || fresh.size() > kLongestPassword)
    return makeError(
        FailureKind::BadRequest,
        fmt::format("The password must have {} to {} bytes.", kShortestPassword, kLongestPassword),
        "password");
  if (hasPassword()) {
    auto right = verify(current, address);
    if (!right) return std::unexpected(std::move(right.error()));
    if (!*right) {
      Error error;
      error.kind = FailureKind::Forbidden;
      error.reason = "wrong_password";
      error.field = "currentPassword";
      error.message = "The current password is wrong.";
      return std::unexpected(std::move(error));
    }
  }
  auto hash = deps_.passwords.hashPassword(fresh);
  if (!hash) return std::unexpected(std::move(hash.error()));
  if (auto stored = deps_.settings.putSetting(kPasswordKey, *hash); !stored) return stored;
  {
    const std::lock_guard lock(mutex_);
    password_hash_ = std::move(*hash);
  }
  deps_.sessions.closeAll();
  return {};
}

}  // namespace omni::admin
