#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "simulator/clock.hpp"
#include "simulator/policy.hpp"

// Who exists: accounts, client registrations, sign-ins and their tokens. Guarded by one lock that
// is held for look-ups only.
namespace omni::sim {

inline constexpr std::string_view kSocialProfile =
    "arn:aws:codewhisperer:us-east-1:699475941385:profile/EHGA3GRVQMUK";
inline constexpr std::string_view kBuilderIdProfile =
    "arn:aws:codewhisperer:us-east-1:638616132270:profile/AAAACCCCXXXX";

enum class AccountKind { kSocial, kBuilderId, kIdc, kApiKey, kExternalIdp };

std::optional<AccountKind> accountKind(std::string_view name);
std::string_view name(AccountKind kind);

struct Account {
  std::string id;
  AccountKind kind = AccountKind::kSocial;
  std::string region = "us-east-1";
  std::string email;
  std::string plan = "FREE";  // FREE | PRO | PRO_PLUS | POWER
  std::string user_id;
  std::string api_key;
  std::vector<std::string> profiles;  // ARNs; the first is the account's own
  bool suspended = false;
  bool overage = false;
  bool metered = false;  // usage is counted once a quota has been set
  double used = 0;
  double limit = 50;
  double trial_limit = 0;
  double trial_used = 0;
  std::vector<json::object> bonuses = {};

  std::string profileArn() const { return profiles.empty() ? std::string() : profiles.front(); }
  bool exhausted() const;
};

struct Client {
  std::string id;
  std::string secret;
  std::string name;
  std::string region;
  std::string issuer;
  std::int64_t issued_at = 0;
  std::int64_t expires_at = 0;
  std::vector<std::string> scopes;
  std::vector<std::string> grant_types;
  std::vector<std::string> redirect_uris;
};

// One sign-in. Without a client it belongs to the social (or external) sign-in service.
struct Session {
  std::string id;
  std::string account;
  std::string client;
  std::string region;
  std::string refresh_token;
  std::string access_token;
  std::int64_t access_expires_at = 0;
  int refreshes = 0;
  std::string ended;  // why; empty while it lives
};

struct IssuedTokens {
  std::string access_token;
  std::string refresh_token;  // empty: keep the old one
  std::string profile_arn;
  int expires_in = 3600;
};

struct DeviceCode {
  std::string device_code;
  std::string user_code;
  std::string client;
  std::string region;
  std::string start_url;
  std::string provider;  // set for social device sign-ins
  std::int64_t expires_at = 0;
  std::int64_t last_poll = 0;
  std::int64_t interval = 5000;    // ms
  std::string status = "pending";  // pending | approved | denied | used
  std::string account;
};

struct AuthorizationCode {
  std::string code;
  std::string client;
  std::string region;
  std::string redirect_uri;
  std::string challenge;
  std::string account;
  std::int64_t expires_at = 0;
};

enum class BearerProblem { kInvalid, kSuspended, kTokenType };

class Identity {
 public:
  Identity(VirtualClock& clock, PolicyBox& policy) : clock_(clock), policy_(policy) {}

  std::shared_ptr<Account> createAccount(const json::object& spec);
  std::shared_ptr<Account> account(const std::string& id) const;
  // Changes an account under the lock; false if there is none.
  bool changeAccount(const std::string& id, const json::object& change);
  void addUsage(const std::string& id, double credits);

  Client registerClient(Client client);
  std::optional<Client> client(const std::string& id) const;

  // Ends the earlier sign-in of the same registration: a registration carries one session.
  IssuedTokens signIn(const std::string& account, const std::string& client,
                      const std::string& region);
  enum class RefreshProblem { kUnknown, kForeign, kWrongRegion };
  std::expected<IssuedTokens, RefreshProblem> refresh(const std::string& token,
                                                      const Client& client);
  std::expected<IssuedTokens, RefreshProblem> refreshSocial(const std::string& token);
  bool endByRefreshToken(const std::string& token, std::string_view why);
  std::size_t endAccount(const std::string& account, std::string_view why);
  void removeAccount(const std::string& account);

  std::expected<std::shared_ptr<const Account>, BearerProblem> bearer(
      const std::string& token, std::string_view token_type) const;
  // For fault matching: whose token this is, dead or alive.
  std::string ownerOf(const std::string& token) const;

  DeviceCode addDevice(DeviceCode device);
  bool decideDevice(const std::string& user_code, bool approve, const json::object& spec);
  enum class PollProblem { kUnknown, kPending, kSlowDown, kExpired, kDenied, kUsed };
  std::expected<DeviceCode, PollProblem> pollDevice(const std::string& device_code,
                                                    const std::string& client);

  void addCode(AuthorizationCode code);
  std::optional<AuthorizationCode> takeCode(const std::string& code);

  json::object state(bool reveal) const;
  void clear();

 private:
  IssuedTokens issue(Session& session, bool rotate);
  std::shared_ptr<Account> createLocked(const json::object& spec);
  Session* liveSession(const std::string& refresh_token);

  VirtualClock& clock_;
  PolicyBox& policy_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<Account>> accounts_;
  std::map<std::string, Client> clients_;
  std::vector<std::shared_ptr<Session>> sessions_;
  struct Access {
    std::shared_ptr<Session> session;
    std::int64_t expires_at;
  };
  std::unordered_map<std::string, std::shared_ptr<Session>> refresh_tokens_;  // spent ones too
  std::unordered_map<std::string, Access> access_tokens_;
  std::unordered_map<std::string, std::string> api_keys_;
  std::unordered_map<std::string, std::shared_ptr<Session>> live_by_client_;
  std::map<std::string, DeviceCode> devices_;
  std::map<std::string, AuthorizationCode> codes_;
  int next_account_ = 1;
};

}  // namespace omni::sim
