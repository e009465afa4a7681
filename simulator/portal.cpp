// The page where a browser signs in (app.kiro.dev/signin). It has one button only: whoever comes is
// signed in at once with the way that the query names.
#include <algorithm>
#include <array>
#include <charconv>

#include "simulator/random.hpp"
#include "simulator/world.hpp"

namespace omni::sim {
namespace {

constexpr int kCodeLifetime = 600;
constexpr std::array<int, 10> kPorts = {3128,  4649,  6588,  8008,  9091,
                                        49153, 50153, 51153, 52153, 53153};

bool allowedRedirect(const std::string& redirect) {
  constexpr std::string_view kHost = "http://localhost:";
  if (!redirect.starts_with(kHost)) return false;
  int port = 0;
  const char* end = redirect.data() + redirect.size();
  const auto read = std::from_chars(redirect.data() + kHost.size(), end, port);
  return read.ptr == end && std::find(kPorts.begin(), kPorts.end(), port) != kPorts.end();
}

}  // namespace

// GET /signin. Besides what the real page takes: login_option (google), login_hint (an account),
// deny=1.
void servePortal(World& world, const Route& route, const Request& request, Exchange& exchange) {
  if (request.method != "GET" || route.path != "/signin") {
    return exchange.send(jsonReply(404, {{"message", "no such page"}}));
  }
  const auto form = parseForm(request.query);
  const auto redirect = formValue(form, "redirect_uri");
  if (!allowedRedirect(redirect) || formValue(form, "code_challenge_method") != "S256" ||
      formValue(form, "code_challenge").empty() || formValue(form, "state").empty()) {
    return exchange.send(jsonReply(
        400, {{"message", "redirect_uri, state and an S256 code_challenge are required"}}));
  }
  const auto state = "&state=" + percentEncode(formValue(form, "state"));
  if (formValue(form, "deny") == "1") {
    return exchange.send(
        {.status = 302,
         .headers = {{"location", redirect + "/oauth/callback?error=access_denied" +
                                      "&error_description=The+user+refused" + state}}});
  }
  auto option = formValue(form, "login_option");
  if (option.empty()) option = "google";
  AuthorizationCode code;
  code.code = uuid();
  code.redirect_uri = redirect + "/oauth/callback?login_option=" + option;
  code.challenge = formValue(form, "code_challenge");
  code.expires_at = world.clock.seconds() + kCodeLifetime;
  const auto hint = formValue(form, "login_hint");
  code.account =
      world.identity.account(hint) ? hint : world.identity.createAccount({{"kind", "social"}})->id;
  world.identity.addCode(code);
  exchange.send(
      {.status = 302, .headers = {{"location", code.redirect_uri + "&code=" + code.code + state}}});
}

}  // namespace omni::sim
