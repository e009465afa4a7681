#include "plugins/kiro/probe.hpp"

#include <fmt/format.h>

#include <limits>

#include "plugins/kiro/auth_headers.hpp"
#include "plugins/kiro/control_plane.hpp"
#include "plugins/kiro/form.hpp"
#include "plugins/kiro/profiles.hpp"
#include "plugins/kiro/refresh.hpp"
#include "plugins/kiro/upstream_error.hpp"
#include "plugins/kiro/usage.hpp"

namespace omni::kiro {
namespace {

struct Kind {
  std::string_view name;
  std::string advice;
};
Kind describe(const sdk::Failure& failure) {
  if (failure.reported)
    return {"network", "check the network, the proxy of this account and the time-outs"};
  switch (failure.kind) {
    case OMNI_FAILURE_NETWORK:
    case OMNI_FAILURE_TIMEOUT:
      return {failure.kind == OMNI_FAILURE_TIMEOUT ? "timeout" : "network",
              "check the network and the proxy of this account"};
    case OMNI_FAILURE_UPSTREAM:
      return {"upstream", "the service has trouble of its own; try again later"};
    case OMNI_FAILURE_AUTH_INVALID:
      return {"auth_invalid", "refresh the account; if that does not help, sign it in again"};
    case OMNI_FAILURE_REAUTH_REQUIRED:
      return {"reauth_required", "sign this account in again; its name and settings stay"};
    case OMNI_FAILURE_SUSPENDED:
      return {"suspended", fmt::format("write to {}; other accounts are not affected", kSupport)};
    case OMNI_FAILURE_NOT_AUTHORIZED:
      return {
          "not_authorized",
          "check the plan and the profile of the account; choose another profile if it has one"};
    case OMNI_FAILURE_QUOTA:
      return {"quota", "wait for the reset, or allow overage in the Kiro console"};
    case OMNI_FAILURE_RATE_LIMITED:
      return {"rate_limited", "wait a little; this account was asked too often"};
    case OMNI_FAILURE_CAPACITY:
      return {"capacity", "the service is full; try again later"};
    default:
      return {"other", "see the message; try again, and report it if it stays so"};
  }
}

class Checks {
 public:
  void good(std::string_view name, std::string_view message) {
    list_.push_back(json::object{{"name", name}, {"ok", true}, {"message", message}});
  }
  void bad(std::string_view name, const sdk::Failure& failure) {
    const Kind kind = describe(failure);
    json::object out{
        {"name", name},
        {"ok", false},
        {"message", failure.reported
                        ? std::string_view("the service could not be reached, or the connection "
                                           "broke off")
                        : std::string_view(failure.message)},
        {"advice", kind.advice},
        {"kind", kind.name}};
    if (!failure.reason.empty()) out["reason"] = failure.reason;
    if (failure.retry_after_ms >= 0) out["retryAfterMs"] = failure.retry_after_ms;
    if (failure.reset_at_ms > 0) out["resetAt"] = failure.reset_at_ms;
    list_.push_back(std::move(out));
  }
  std::string text() && { return json::serialize(json::object{{"checks", std::move(list_)}}); }

 private:
  json::array list_;
};

sdk::Result<> checkToken(sdk::Call& call, const Endpoints& endpoints, Checks& checks, bool& ok) {
  const std::string before = call.value("accessToken").value_or("");
  auto token = freshAccessToken(call, endpoints, RefreshWhen::NearExpiry);
  ok = token.has_value();
  if (!token) {
    if (token.error().cancelled) return std::unexpected(std::move(token.error()));
    checks.bad("token", token.error());
  } else if (isApiKey(call)) {
    checks.good("token", "an API key is used as it is");
  } else {
    checks.good("token", *token == before ? "the access token is still good"
                                          : "the sign-in service gave a new access token");
  }
  return {};
}

sdk::Result<> checkProfile(sdk::Call& call, const Endpoints& endpoints, Checks& checks) {
  if (isApiKey(call) || call.value("refreshRoute").value_or("") == "social") return {};
  std::string arn = call.value("profileArn").value_or("");
  if (arn.empty()) {
    auto adopted = adoptProfile(call, endpoints);
    if (!adopted) return std::unexpected(std::move(adopted.error()));
    arn = call.value("profileArn").value_or("");
    if (*adopted)
      checks.good("profile", "found and chose the profile " + arn);
    else
      checks.good("profile", "the account has no profile; the hosts that need none are used");
    return {};
  }
  if (arn == kBuilderIdProfile) {
    checks.good("profile", "the profile that every Builder ID has");
    return {};
  }
  auto found = findProfiles(call, endpoints);
  if (!found) return std::unexpected(std::move(found.error()));
  for (const Profile& profile : found->profiles)
    if (profile.arn == arn) {
      checks.good("profile", found->profiles.size() > 1 ? "the chosen one of several profiles"
                                                        : "the profile is there");
      return {};
    }
  if (found->failed && found->profiles.empty()) {
    if (found->failed->cancelled) return std::unexpected(std::move(*found->failed));
    checks.bad("profile", *found->failed);
  } else if (found->profiles.empty()) {
    checks.good("profile", "the account may not list its profiles; the stored one is used");
  } else {
    sdk::Failure gone;
    gone.kind = OMNI_FAILURE_NOT_AUTHORIZED;
    gone.message = "the stored profile is not one of this account's profiles (any more)";
    checks.bad("profile", gone);
  }
  return {};
}

sdk::Result<> checkUsage(sdk::Call& call, const Endpoints& endpoints, Checks& checks) {
  auto usage = accountUsage(call, endpoints);
  if (!usage) {
    if (usage.error().cancelled) return std::unexpected(std::move(usage.error()));
    checks.bad("usage", usage.error());
    return {};
  }
  const auto body = parseObject(*usage);
  const bool has_data = body && body->at("hasData").as_bool();
  const bool overage = body && body->at("overage").as_bool();
  if (has_data && !overage && number(*body, "remaining").value_or(1) <= 0) {
    sdk::Failure used_up;
    used_up.kind = OMNI_FAILURE_QUOTA;
    used_up.message = "Kiro knows the account, but its credits are used up";
    used_up.reset_at_ms = milliseconds(number(*body, "resetAt").value_or(-1)).value_or(-1);
    checks.bad("usage", used_up);
  } else {
    checks.good("usage", has_data ? fmt::format("{:g} of {:g} credits are left",
                                                number(*body, "remaining").value_or(0),
                                                number(*body, "limit").value_or(0))
                                  : "Kiro knows the account; it tells no usage of it");
  }
  return {};
}

// The shortest question there is. Costs a little of the account's credits.
sdk::Result<> checkAnswer(sdk::Provider& provider, sdk::Call& call, Checks& checks) {
  omni_part_t part{};
  part.kind = OMNI_PART_TEXT;
  part.text = sdk::toStr("Say ok.");
  omni_message_t message{};
  message.role = OMNI_ROLE_USER;
  message.parts = &part;
  message.part_count = 1;
  omni_request_t request{};
  request.struct_size = sizeof(request);
  request.part_size = sizeof(part);
  request.message_size = sizeof(message);
  request.tool_size = sizeof(omni_tool_t);
  request.model = sdk::toStr("auto");
  request.messages = &message;
  request.message_count = 1;
  request.parallel_tool_calls = 1;
  request.reasoning_budget = -1;
  request.max_tokens = 1;
  request.temperature = request.top_p = std::numeric_limits<double>::quiet_NaN();
  omni_sink_t nowhere{};
  nowhere.struct_size = sizeof(nowhere);
  nowhere.on_event = [](void*, const omni_event_t*) -> omni_status_t { return OMNI_OK; };
  sdk::EventSink sink(&nowhere);
  auto answered = provider.complete(call, request, sink);
  if (answered) {
    checks.good("probe", "a model answered");
  } else {
    if (answered.error().cancelled) return std::unexpected(std::move(answered.error()));
    checks.bad("probe", answered.error());
  }
  return {};
}

}  // namespace

sdk::Result<std::string> testAccount(sdk::Provider& provider, sdk::Call& call,
                                     const Endpoints& endpoints, std::string_view input) {
  constexpr std::array<std::string_view, 1> kFlags = {"probe"};
  auto form = Form::read(input, {}, kFlags);
  if (!form) return std::unexpected(std::move(form.error()));
  Checks checks;
  bool token = false;
  auto done = checkToken(call, endpoints, checks, token);
  if (done && token) done = checkProfile(call, endpoints, checks);
  if (done && token) done = checkUsage(call, endpoints, checks);
  if (done && token && form->flag("probe")) done = checkAnswer(provider, call, checks);
  if (!done) return std::unexpected(std::move(done.error()));
  return std::move(checks).text();
}

}  // namespace omni::kiro
