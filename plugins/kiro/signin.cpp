#include "plugins/kiro/signin.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plugins/kiro/device.hpp"
#include "plugins/kiro/form.hpp"
#include "plugins/kiro/refresh.hpp"
#include "plugins/kiro/social.hpp"

namespace omni::kiro {
namespace {

constexpr int64_t kSlowDownMs = 5'000;
constexpr int64_t kDefaultIntervalMs = 5'000;
constexpr int64_t kLongestIntervalMs = 60'000;

// A draft over a connection: which way in it used. Empty: it must be said.
std::string methodBefore(const sdk::Call& call) {
  std::string method = call.value("authMethod").value_or("");
  if (method == "builder_id" || method == "idc") return method;
  const std::string provider = call.value("provider").value_or("");
  if (provider == "Google") return "google";
  if (provider == "Github") return "github";
  return {};
}

std::string pending(int64_t interval_ms) {
  return json::serialize(json::object{{"status", "pending"}, {"intervalMs", interval_ms}});
}

sdk::Result<std::string> complete(sdk::Call& call, const Endpoints& endpoints, SignedIn in) {
  auto done = finishSignIn(call, endpoints, std::move(in));
  if (!done) return std::unexpected(std::move(done.error()));
  if (auto saved = call.commit(draftEnds()); !saved)
    return std::unexpected(std::move(saved.error()));
  (*done)["status"] = "complete";
  return json::serialize(*done);
}

std::unexpected<sdk::Failure> ended(uint32_t kind, std::string reason, std::string message) {
  sdk::Failure failure;
  failure.kind = kind;
  failure.reason = std::move(reason);
  failure.message = std::move(message);
  return std::unexpected(std::move(failure));
}
std::unexpected<sdk::Failure> codeExpired() {
  return ended(OMNI_FAILURE_REAUTH_REQUIRED, "expired_token",
               "the sign-in was not approved in time and its code has expired; start it again");
}

// A failure that passes: the next question waits longer, the pace of all later ones stays.
std::unexpected<sdk::Failure> askLater(sdk::Call& call, int64_t interval, sdk::Failure failure) {
  const int64_t wait = std::max(std::min(interval * 2, kLongestIntervalMs), failure.retry_after_ms);
  const sdk::Change next{std::string(kDraftNext), std::to_string(call.host().nowMs() + wait),
                         false};
  if (auto saved = call.commit({next}); !saved) return std::unexpected(std::move(saved.error()));
  failure.retry_after_ms = wait;
  return std::unexpected(std::move(failure));
}

bool passes(const sdk::Failure& failure) {
  // `reported`: the host's own failure of the connection, which it has described already.
  return !failure.cancelled &&
         (failure.reported || failure.kind == OMNI_FAILURE_NETWORK ||
          failure.kind == OMNI_FAILURE_TIMEOUT || failure.kind == OMNI_FAILURE_UPSTREAM);
}

sdk::Result<std::string> refused(sdk::Call& call, const SignInError& error, int64_t interval) {
  const int64_t now = call.host().nowMs();
  switch (error.problem) {
    case SignInProblem::SlowDown:
      interval += kSlowDownMs;
      [[fallthrough]];
    case SignInProblem::Pending: {
      const std::vector<sdk::Change> changes = {
          {std::string(kDraftInterval), std::to_string(interval), false},
          {std::string(kDraftNext), std::to_string(now + interval), false}};
      if (auto saved = call.commit(changes); !saved)
        return std::unexpected(std::move(saved.error()));
      return pending(interval);
    }
    case SignInProblem::Throttled:
    case SignInProblem::Server:
      return askLater(call, interval, signInFailure(error, "the sign-in service"));
    case SignInProblem::Denied:
      return ended(OMNI_FAILURE_NOT_AUTHORIZED, "access_denied",
                   "the sign-in was refused on the sign-in page; start it again if that was a "
                   "mistake");
    case SignInProblem::Expired:
      return codeExpired();
    case SignInProblem::GrantDead:
    case SignInProblem::ClientDead:
      return ended(OMNI_FAILURE_REAUTH_REQUIRED, error.code,
                   "the sign-in service no longer accepts this code; start the sign-in again");
    default:
      return std::unexpected(signInFailure(error, "the sign-in service"));
  }
}

}  // namespace

std::vector<sdk::Change> draftEnds() {
  std::vector<sdk::Change> out;
  for (const std::string_view key :
       {kDraftMethod, kDraftForm, kDraftRedirect, kDraftExpires, kDraftInterval, kDraftNext})
    out.push_back({std::string(key), std::nullopt, false});
  for (const std::string_view key : {kDraftCode, kDraftVerifier, kDraftState})
    out.push_back({std::string(key), std::nullopt, true});
  return out;
}

sdk::Result<std::string> startSignIn(sdk::Call& call, const Endpoints& endpoints,
                                     std::string_view input) {
  constexpr std::array<std::string_view, 5> kTexts = {"method", "form", "startUrl", "region",
                                                      "redirectPort"};
  constexpr std::array<std::string_view, 1> kFlags = {"allowShared"};
  auto form = Form::read(input, kTexts, kFlags);
  if (!form) return std::unexpected(std::move(form.error()));
  std::string method = form->text("method");
  if (method.empty()) method = methodBefore(call);
  if (auto clean = call.commit(draftEnds()); !clean)
    return std::unexpected(std::move(clean.error()));
  const std::string shape = form->text("form");
  if (method == "builder_id" || method == "idc") {
    if (!shape.empty() && shape != "device")
      return badField("form", "form must be device for this way in");
    return startOidcDevice(call, endpoints, *form, method == "builder_id");
  }
  if (method == "google" || method == "github") {
    if (shape.empty() || shape == "device")
      return startSocialDevice(call, endpoints, *form, method);
    if (shape == "browser") return startSocialBrowser(call, endpoints, *form, method);
    return badField("form", "form must be device or browser");
  }
  return badField("method", method.empty() ? "method is missing: builder_id, idc, google or github"
                                           : "method must be builder_id, idc, google or github");
}

sdk::Result<std::string> pollSignIn(sdk::Call& call, const Endpoints& endpoints) {
  const std::string method = call.value(kDraftMethod).value_or("");
  if (method.empty()) {
    if (!call.value("refreshToken"))
      return ended(OMNI_FAILURE_NOT_FOUND, "not_started", "no sign-in is under way; start one");
    json::object done{{"status", "complete"}};
    for (const auto* name : {"userId", "email"})
      if (const auto label = call.value(name); label && !label->empty()) done["label"] = *label;
    return json::serialize(done);
  }
  const int64_t now = call.host().nowMs();
  if (now >= storedTime(call, kDraftExpires)) return codeExpired();
  if (call.value(kDraftForm).value_or("") == "browser") return pending(kDefaultIntervalMs);
  const int64_t interval =
      std::clamp(storedTime(call, kDraftInterval), int64_t{1}, 10 * kLongestIntervalMs);
  // Asking early would be answered with slow_down, which makes the whole sign-in slower.
  if (const int64_t next = storedTime(call, kDraftNext); now < next) return pending(next - now);

  const bool social = method == "google" || method == "github";
  auto answer = social ? askSocialDevice(call, endpoints) : askOidcDevice(call, endpoints);
  if (!answer) {
    if (!passes(answer.error())) return std::unexpected(std::move(answer.error()));
    return askLater(call, interval, std::move(answer.error()));
  }
  if (!answer->tokens) return refused(call, answer->error, interval);
  if (answer->tokens->refresh_token.empty())
    return sdk::fail(OMNI_FAILURE_PROTOCOL,
                     "the sign-in service gave no refresh token, so the account could not be kept "
                     "signed in; start the sign-in again");
  return complete(call, endpoints,
                  social ? socialAccount(call, std::move(*answer->tokens))
                         : oidcAccount(call, std::move(*answer->tokens)));
}

sdk::Result<std::string> finishBrowserSignIn(sdk::Call& call, const Endpoints& endpoints,
                                             std::string_view input) {
  constexpr std::array<std::string_view, 1> kTexts = {"callbackUrl"};
  auto form = Form::read(input, kTexts);
  if (!form) return std::unexpected(std::move(form.error()));
  if (call.value(kDraftForm).value_or("") != "browser")
    return ended(OMNI_FAILURE_NOT_FOUND, "not_started",
                 "no browser sign-in is under way; start one with form browser");
  if (form->text("callbackUrl").empty())
    return badField("callbackUrl", "callbackUrl is missing: the address that the browser ended at");
  if (call.host().nowMs() >= storedTime(call, kDraftExpires)) return codeExpired();
  auto tokens = exchangeCallback(call, endpoints, form->text("callbackUrl"));
  if (!tokens) return std::unexpected(std::move(tokens.error()));
  if (tokens->refresh_token.empty())
    return sdk::fail(OMNI_FAILURE_PROTOCOL,
                     "Kiro's sign-in service gave no refresh token; start the sign-in again");
  return complete(call, endpoints, socialAccount(call, std::move(*tokens)));
}

}  // namespace omni::kiro
