#include "plugins/kiro/import.hpp"

#include <fmt/format.h>

#include <optional>

#include "plugins/kiro/account_changes.hpp"
#include "plugins/kiro/api_key.hpp"
#include "plugins/kiro/form.hpp"
#include "plugins/kiro/json.hpp"
#include "plugins/kiro/lent.hpp"
#include "plugins/kiro/pasted_token.hpp"
#include "plugins/kiro/region.hpp"
#include "plugins/kiro/registration.hpp"
#include "plugins/kiro/sha256.hpp"

namespace omni::kiro {
namespace {

constexpr std::string_view kDedicated = "its own registration holds the session";
constexpr std::string_view kGivenClient =
    "the registration came with the token and is in use by the tool it came from";
constexpr std::string_view kRegistered =
    "it owns a registration; its session was issued by Kiro's sign-in service and is refreshed "
    "there";
constexpr std::string_view kNoClient = "it has no registration of its own";
constexpr std::string_view kExternal =
    "its session belongs to the company's identity provider and is shared with the tool that the "
    "token came from; no AWS registration takes part";
constexpr std::string_view kLocalTool =
    "its session is the one of the local tool that the token came from";
constexpr std::string_view kLent =
    "its session is the one of the local tool that the token came from, and is renewed there";
constexpr int64_t kShortestLifeMs = 5 * 60'000;

// `who`: with its verb, "AWS does not accept".
std::unexpected<sdk::Failure> refused(const PastedToken& in, std::string_view who) {
  if (!in.client_id_hash.empty() && in.client_id.empty())
    return badField(
        "clientId",
        fmt::format("{} this refresh token without the registration it was issued "
                    "to. Add clientId and clientSecret from the file {}.json, which lies beside "
                    "the token file in .aws/sso/cache",
                    who, in.client_id_hash.substr(0, 64)));
  return badField("refreshToken",
                  fmt::format("{} this refresh token: it has expired, was used up "
                              "by another tool, or belongs to another region or client. Sign in "
                              "again and import the new token",
                              who));
}

// What OIDC says of a token that is not its own; a try elsewhere is worth it.
bool notItsOwn(const sdk::Result<TokenAnswer>& answer) {
  return answer ? answer->rejected
                : answer.error().upstream_status == 400 &&
                      (answer.error().kind == OMNI_FAILURE_PROTOCOL ||
                       answer.error().kind == OMNI_FAILURE_BAD_REQUEST);
}

class Import {
 public:
  Import(sdk::Call& call, const Endpoints& endpoints, const PastedToken& in)
      : call_(call), endpoints_(endpoints), in_(in) {
    out_.region = in.region;
    out_.start_url = in.start_url;
    out_.provider = in.provider;
    out_.profile_arn = in.profile_arn;
    out_.fingerprint = sha256Hex(in.refresh_token);
  }

  sdk::Result<SignedIn> run() {
    sdk::Result<> done;
    if (!in_.rotate)
      done = asItIs();
    else if (in_.method == "external_idp")
      done = external();
    else if (!in_.client_id.empty() && in_.method != "social")
      done = withGivenClient();
    else
      done = withOwnClient();
    if (!done) return std::unexpected(std::move(done.error()));
    if (out_.tokens.refresh_token.empty()) out_.tokens.refresh_token = in_.refresh_token;
    return std::move(out_);
  }

 private:
  void become(Tokens tokens, std::string_view method, std::string_view route,
              std::string_view isolation, std::string_view reason) {
    out_.tokens = std::move(tokens);
    out_.auth_method = method;
    out_.route = route;
    out_.isolation = isolation;
    out_.isolation_reason = reason;
  }

  // The session of the registration that came with the token: shared with the tool it came from.
  sdk::Result<> withGivenClient() {
    auto answer = refreshAtOidc(call_, endpoints_, in_.region, in_.client_id, in_.client_secret,
                                in_.refresh_token);
    if (!answer) return std::unexpected(std::move(answer.error()));
    if (answer->rejected) {
      // Some tools attach a registration to tokens of Kiro's own service.
      if (in_.method.empty()) return withOwnClient();
      return refused(in_, "AWS SSO OIDC does not accept");
    }
    out_.client = {in_.client_id, in_.client_secret, 0};
    become(std::move(answer->tokens), in_.method.empty() ? "idc" : in_.method, "oidc", "shared",
           kGivenClient);
    return {};
  }

  sdk::Result<> withOwnClient() {
    auto own = registerClient(call_, endpoints_, in_.region);
    if (!own && (own.error().cancelled || !in_.allow_shared)) {
      if (!own.error().reported)
        own.error().message +=
            "; nothing was stored. Try again, or accept an account without a registration of its "
            "own with \"allowShared\": true";
      return std::unexpected(std::move(own.error()));
    }
    if (own) out_.client = *own;
    const bool oidc = own && in_.method != "social" && in_.client_id.empty();
    std::optional<sdk::Failure> hint;
    if (oidc) {
      auto answer = refreshAtOidc(call_, endpoints_, in_.region, own->client_id, own->client_secret,
                                  in_.refresh_token);
      if (!notItsOwn(answer)) {
        if (!answer) return std::unexpected(std::move(answer.error()));
        become(std::move(answer->tokens), in_.method.empty() ? "imported" : in_.method, "oidc",
               "dedicated", kDedicated);
        return {};
      }
      if (!answer && answer.error().kind == OMNI_FAILURE_BAD_REQUEST) hint = answer.error();
      if (in_.method == "idc" || in_.method == "builder_id") {
        if (hint) return std::unexpected(std::move(*hint));
        return refused(in_, "AWS SSO OIDC does not accept");
      }
    }
    auto answer = refreshAtSocial(call_, endpoints_, in_.refresh_token);
    if (!answer) return std::unexpected(std::move(answer.error()));
    if (answer->rejected) {
      if (hint) return std::unexpected(std::move(*hint));
      return refused(in_, in_.method == "social"
                              ? "Kiro's sign-in service does not accept"
                              : "Neither AWS SSO OIDC nor Kiro's sign-in service accepts");
    }
    become(std::move(answer->tokens), in_.method == "social" ? "social" : "imported", "social",
           own ? "registered" : "shared", own ? kRegistered : kNoClient);
    return {};
  }

  sdk::Result<> external() {
    auto answer = refreshAtExternalIdp(call_, in_.token_endpoint, in_.client_id, in_.scopes,
                                       in_.refresh_token);
    if (!answer) return std::unexpected(std::move(answer.error()));
    if (answer->rejected)
      return badField("refreshToken",
                      fmt::format("the company's identity provider does not accept this refresh "
                                  "token ({}); sign in again in the tool it came from and import "
                                  "the new one",
                                  answer->error.code));
    takeExternal();
    become(std::move(answer->tokens), "external_idp", "external_idp", "shared", kExternal);
    return {};
  }

  void takeExternal() {
    out_.client = {in_.client_id, "", 0};
    out_.provider = "ExternalIdp";
    out_.token_endpoint = in_.token_endpoint;
    out_.issuer_url = in_.issuer_url;
    out_.scopes = in_.scopes;
  }

  // The refresh token stays unused, so the tool it came from stays signed in for now.
  sdk::Result<> asItIs() {
    // Another token of the same tool: it must not become another person's account unnoticed.
    if (!in_.item.empty() && call_.value("toolItem").value_or("") == in_.item)
      if (auto same =
              sameUser(call_, endpoints_, call_.value("userId").value_or(""), in_.access_token);
          !same)
        return same;
    out_.renewed_by = in_.tool;
    out_.tool_item = in_.item;

    if (in_.access_token.empty() || in_.expires_ms - call_.host().nowMs() < kShortestLifeMs)
      return badField("accessToken",
                      "with rotate off, accessToken and expiresAt of a token that is valid for "
                      "five more minutes are needed; use the tool once so that it renews its "
                      "token, or set rotate (for a list: ?rotate=true)");
    Tokens tokens;
    tokens.access_token = in_.access_token;
    tokens.refresh_token = in_.refresh_token;
    tokens.expires_ms = in_.expires_ms;
    if (in_.method == "external_idp") {
      takeExternal();
      become(std::move(tokens), "external_idp", "external_idp", "shared", kExternal);
    } else if (!in_.client_id.empty() && in_.method != "social") {
      out_.client = {in_.client_id, in_.client_secret, 0};
      become(std::move(tokens), in_.method.empty() ? "idc" : in_.method, "oidc", "shared",
             in_.tool.empty() ? kLocalTool : kLent);
    } else if (in_.method == "idc" || in_.method == "builder_id") {
      return refused(in_, "AWS SSO OIDC does not accept");
    } else {
      become(std::move(tokens), in_.method.empty() ? "imported" : "social", "social", "shared",
             in_.tool.empty() ? kLocalTool : kLent);
    }
    return {};
  }

  sdk::Call& call_;
  const Endpoints& endpoints_;
  const PastedToken& in_;
  SignedIn out_;
};

}  // namespace

sdk::Result<std::string> importAccount(sdk::Call& call, const Endpoints& endpoints,
                                       std::string_view input) {
  auto pasted = readPastedToken(call.host(), input);
  if (!pasted) return std::unexpected(std::move(pasted.error()));
  sdk::Result<json::object> done;
  if (pasted->method == "api_key") {
    done = importApiKey(call, endpoints, pasted->api_key, pasted->region);
  } else {
    // First and alone, so that a token that is here already is found before anything is asked of
    // AWS.
    if (auto claimed = call.commit({{"fingerprint", sha256Hex(pasted->refresh_token), false}});
        !claimed)
      return std::unexpected(std::move(claimed.error()));
    auto in = Import(call, endpoints, *pasted).run();
    if (!in) return std::unexpected(std::move(in.error()));
    done = finishSignIn(call, endpoints, std::move(*in));
  }
  if (!done) return std::unexpected(std::move(done.error()));
  return json::serialize(*done);
}

}  // namespace omni::kiro
