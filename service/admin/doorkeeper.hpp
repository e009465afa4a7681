#pragma once
// Who may do what: given to the server as ServerOptions::authorize.
//
// - Health routes and the log-in routes: everybody.
// - The rest of the admin API: a log-in (cookie) or an API key of the scope "admin". Until an admin
//   password is set, callers on this machine may administer too, and answers say so.
// - The inference API: an API key of the scope "inference", or a log-in. Callers on this machine
//   need none unless `keys_on_loopback`; words that are no key of this service, as clients send
//   them because their settings want one, count as none there.
//
// Keys are read from "Authorization: Bearer" and "x-api-key". Thread-safe. What Deps refers to must
// outlive it.

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/access/admin_sessions.hpp"
#include "core/access/key_ring.hpp"
#include "core/access/login_throttle.hpp"
#include "core/ports/api_keys.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/keyed_hash.hpp"
#include "service/http/route.hpp"

namespace omni::admin {

class Doorkeeper {
 public:
  struct Deps {
    access::KeyRing& keys;
    access::AdminSessions& sessions;
    SettingsStore& settings;
    PasswordHasher& passwords;
    Clock& clock;
    bool keys_on_loopback = false;
  };
  explicit Doorkeeper(const Deps& deps) : deps_(deps) {}

  Result<> load();  // the password's hash
  bool hasPassword() const;

  // Sets request.caller and caller_id. Unauthorized, Forbidden.
  Result<> authorize(http::Request& request, const http::Route& route);

  // The new session's token. Unauthorized for a wrong password, RateLimited after too many,
  // Forbidden when no password is set.
  Result<std::string> logIn(std::string_view password, std::string_view address);
  // `current` is asked for when there is a password. Ends all sessions. BadRequest with the field.
  Result<> setPassword(std::string_view current, std::string_view fresh, std::string_view address);

  // From the cookie; empty: none.
  static std::string sessionToken(const http::Request& request);
  static constexpr std::string_view kCookie = "omniroute_session";
  // Over TLS. A name of its own, for browsers share cookies between ports: the prefix keeps the
  // plain port's pages from setting or replacing it (RFC 6265bis, 4.1.3.2).
  static constexpr std::string_view kSecureCookie = "__Host-omniroute_session";
  static std::string_view cookieName(const http::Request& request);

 private:
  struct Slot;
  Result<bool> verify(std::string_view password, std::string_view address);
  Result<> authorizeAdmin(http::Request& request);
  Result<> authorizeInference(http::Request& request);
  // True: a valid key was presented; false: none.
  Result<bool> takeKey(http::Request& request, bool admin, bool lenient);
  bool takeSession(http::Request& request);

  Deps deps_;
  access::LoginThrottle throttle_;
  mutable std::mutex mutex_;
  std::string password_hash_;
  int hashing_ = 0;
};

}  // namespace omni::admin
