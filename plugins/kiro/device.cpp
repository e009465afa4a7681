#include "plugins/kiro/device.hpp"

#include <fmt/format.h>

#include "plugins/kiro/allow_list.hpp"
#include "plugins/kiro/region.hpp"
#include "plugins/kiro/sign_in_http.hpp"
#include "plugins/kiro/signin.hpp"

namespace omni::kiro {
namespace {

constexpr std::string_view kWho = "the device sign-in of AWS SSO OIDC";
constexpr double kDefaultLifetime = 600;
constexpr double kDefaultInterval = 5;

double positive(const json::object& body, std::string_view name, double otherwise, double most) {
  const double value = number(body, name).value_or(0);
  return value > 0 ? std::min(value, most) : otherwise;
}

// People copy the address with what the portal's page adds to it.
std::string withoutFragment(std::string url) {
  if (const auto hash = url.find('#'); hash != std::string::npos) url.erase(hash);
  while (url.ends_with('/')) url.pop_back();
  return url;
}

sdk::Result<std::string> startUrlOf(const sdk::Call& call, const Form& form) {
  std::string url = form.text("startUrl");
  if (url.empty()) url = call.value("startUrl").value_or("");
  if (url.empty())
    return badField("startUrl",
                    "startUrl is missing: the address of your organisation's access portal, for "
                    "example https://d-1234567890.awsapps.com/start");
  if (auto problem = startUrlProblem(call.host(), url); !problem.empty())
    return badField("startUrl", std::move(problem));
  return withoutFragment(std::move(url));
}

}  // namespace

sdk::Result<std::string> startOidcDevice(sdk::Call& call, const Endpoints& endpoints,
                                         const Form& form, bool builder_id) {
  std::string start_url(kBuilderIdStartUrl);
  std::string region(kDefaultRegion);
  if (builder_id) {
    // A Builder ID lives in one region only; a form that names another means something else.
    for (const auto* name : {"startUrl", "region"})
      if (const auto value = form.text(name);
          !value.empty() && value != kBuilderIdStartUrl && value != kDefaultRegion)
        return badField(name, fmt::format("{} belongs to IAM Identity Center; a Builder ID always "
                                          "signs in at {} in {}",
                                          name, kBuilderIdStartUrl, kDefaultRegion));
  } else {
    auto url = startUrlOf(call, form);
    if (!url) return std::unexpected(std::move(url.error()));
    start_url = std::move(*url);
    auto checked = regionOf(form.text("region"), call.value("region").value_or(region));
    if (!checked) return std::unexpected(std::move(checked.error()));
    region = std::move(*checked);
  }
  auto client = registerClient(call, endpoints, region);
  if (!client) return std::unexpected(std::move(client.error()));
  auto response = postJson(call, endpoints.oidc(region) + "/device_authorization",
                           {{"clientId", client->client_id},
                            {"clientSecret", client->client_secret},
                            {"startUrl", start_url}},
                           Repeat::Allowed);
  if (!response) return std::unexpected(std::move(response.error()));
  if (response->status != 200) {
    auto failure = signInFailure(readSignInError(*response), kWho);
    if (failure.kind == OMNI_FAILURE_REAUTH_REQUIRED) failure.kind = OMNI_FAILURE_PROTOCOL;
    return std::unexpected(std::move(failure));
  }
  DeviceCode code;
  if (const auto body = parseObject(response->body)) {
    code.device_code = text(*body, "deviceCode");
    code.user_code = text(*body, "userCode");
    code.verification_uri = text(*body, "verificationUri");
    code.verification_uri_complete = text(*body, "verificationUriComplete");
    if (code.verification_uri.empty()) code.verification_uri = code.verification_uri_complete;
    code.lifetime_ms =
        static_cast<int64_t>(positive(*body, "expiresIn", kDefaultLifetime, 3600) * 1000);
    code.interval_ms =
        static_cast<int64_t>(positive(*body, "interval", kDefaultInterval, 60) * 1000);
  }
  if (auto good = checkDeviceCode(code, kWho); !good)
    return std::unexpected(std::move(good.error()));

  auto changes = deviceDraft(call, code);
  changes.push_back({std::string(kDraftMethod), builder_id ? "builder_id" : "idc", false});
  changes.push_back({"region", region, false});
  changes.push_back({"startUrl", start_url, false});
  changes.push_back({"clientId", client->client_id, false});
  changes.push_back({"clientSecret", client->client_secret, true});
  changes.push_back({"clientSecretExpiresAt", std::to_string(client->secret_expires_ms), false});
  if (auto saved = call.commit(changes); !saved) return std::unexpected(std::move(saved.error()));
  return deviceAnswer(call, code);
}

sdk::Result<DeviceAnswer> askOidcDevice(sdk::Call& call, const Endpoints& endpoints) {
  const std::string region = call.value("region").value_or("");
  if (!isRegion(region))
    return sdk::fail(OMNI_FAILURE_INTERNAL, "the stored region is not a region");
  auto response = postJson(call, endpoints.oidc(region) + "/token",
                           {{"clientId", call.value("clientId").value_or("")},
                            {"clientSecret", call.value("clientSecret").value_or("")},
                            {"grantType", "urn:ietf:params:oauth:grant-type:device_code"},
                            {"deviceCode", call.value(kDraftCode).value_or("")}},
                           Repeat::Never);
  if (!response) return std::unexpected(std::move(response.error()));
  DeviceAnswer answer;
  if (response->status != 200) {
    answer.error = readSignInError(*response);
    return answer;
  }
  auto tokens = readTokens(call, response->body, kWho);
  if (!tokens) return std::unexpected(std::move(tokens.error()));
  answer.tokens = std::move(*tokens);
  return answer;
}

SignedIn oidcAccount(const sdk::Call& call, Tokens tokens) {
  SignedIn in;
  in.auth_method = call.value(kDraftMethod).value_or("idc");
  in.provider = in.auth_method == "builder_id" ? "BuilderId" : "Enterprise";
  in.region = call.value("region").value_or("");
  in.start_url = call.value("startUrl").value_or("");
  in.route = "oidc";
  in.isolation = "dedicated";
  in.isolation_reason = "its own registration holds the session";
  in.client.client_id = call.value("clientId").value_or("");
  in.client.client_secret = call.value("clientSecret").value_or("");
  if (const auto end = call.value("clientSecretExpiresAt"))
    in.client.secret_expires_ms = std::strtoll(end->c_str(), nullptr, 10);
  in.tokens = std::move(tokens);
  return in;
}

}  // namespace omni::kiro
