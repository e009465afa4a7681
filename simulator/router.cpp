#include <array>

#include "simulator/random.hpp"
#include "simulator/world.hpp"

namespace omni::sim {
namespace {

constexpr std::array<std::string_view, 4> kRegional = {"oidc", "runtime", "management", "legacy"};

// The text between prefix and suffix, or nothing.
std::string between(std::string_view host, std::string_view prefix, std::string_view suffix) {
  if (host.size() <= prefix.size() + suffix.size() || !host.starts_with(prefix) ||
      !host.ends_with(suffix)) {
    return {};
  }
  return std::string(host.substr(prefix.size(), host.size() - prefix.size() - suffix.size()));
}

bool routeByHost(std::string host, Route& route) {
  host = host.substr(0, host.find(':'));
  struct Pattern {
    std::string_view prefix, suffix, service;
  };
  constexpr std::array<Pattern, 5> kPatterns = {{
      {"oidc.", ".amazonaws.com", "oidc"},
      {"runtime.", ".kiro.dev", "runtime"},
      {"management.", ".kiro.dev", "management"},
      {"q.", ".amazonaws.com", "legacy"},
      {"codewhisperer.", ".amazonaws.com", "legacy"},
  }};
  for (const auto& pattern : kPatterns) {
    if (auto region = between(host, pattern.prefix, pattern.suffix); !region.empty()) {
      route.service = pattern.service;
      route.region = region;
      return true;
    }
  }
  if (host == "app.kiro.dev") {
    route.service = "portal";
    return true;
  }
  if (const auto region = between(host, "prod.", ".auth.desktop.kiro.dev"); !region.empty()) {
    route.service = "social";
    route.region = region;
    return true;
  }
  return false;
}

// Takes the next path segment off.
std::string takeSegment(std::string& path) {
  const auto end = std::min(path.find('/', 1), path.size());
  auto segment = path.substr(1, end - 1);
  path.erase(0, end);
  return segment;
}

}  // namespace

Route resolveRoute(const Request& request) {
  Route route;
  route.path = request.path.empty() ? "/" : request.path;
  const auto whole = route.path;
  auto rest = whole;
  const auto first = takeSegment(rest);
  if (first == "__control") {
    route.service = "control";
  } else if (first == "auth-desktop") {
    route.service = "social";
  } else if (first == "portal") {
    route.service = "portal";
  } else if (first == "idp") {
    route.service = "idp";
  } else {
    for (const auto name : kRegional) {
      if (first == name && rest.size() > 1) {
        route.service = name;
        route.region = takeSegment(rest);
      }
    }
  }
  if (route.service.empty()) {
    routeByHost(request.header("host"), route);
    return route;
  }
  route.base = whole.substr(0, whole.size() - rest.size());
  route.path = rest.empty() ? "/" : rest;
  return route;
}

Reply jsonReply(int status, const json::value& body) {
  return {.status = status, .body = json::serialize(body)};
}

bool playFault(World& world, const std::vector<std::string>& targets, const std::string& account,
               Exchange& exchange) {
  if (!world.script.anyFault()) return false;
  const auto fault = world.script.takeFault(targets, account);
  if (!fault) return false;
  if (fault->mode == "reset_before_headers") {
    exchange.reset();
    return true;
  }
  if (fault->mode == "slow") return !exchange.wait(fault->delay_ms);
  if (fault->mode == "late") {
    exchange.delayAnswer(fault->delay_ms);
    return false;
  }
  if (fault->mode == "reset_after_headers" || fault->mode == "stall") {
    exchange.beginStream(fault->status == 500 ? 200 : fault->status, {{"x-amzn-requestid", uuid()}},
                         "application/vnd.amazon.eventstream");
    if (fault->mode == "stall") {
      ++world.active_streams;
      exchange.wait(fault->delay_ms);
      --world.active_streams;
    } else {
      exchange.wait(20);  // lets the headers reach the client before the reset overtakes them
    }
    exchange.reset();
    return true;
  }
  Reply reply{.status = fault->status, .body = fault->body, .headers = fault->headers};
  reply.headers.emplace_back("x-amzn-requestid", uuid());
  boost::system::error_code error;
  const auto body = json::parse(fault->body, error);
  if (!error) {
    auto type = text(member(&body, "__type"));
    if (!type.empty())
      reply.headers.emplace_back("x-amzn-errortype", type.substr(type.find('#') + 1));
  }
  exchange.send(reply);
  return true;
}

void serve(World& world, const Request& request, Exchange& exchange) {
  const auto route = resolveRoute(request);
  if (route.service == "control") return serveControl(world, route, request, exchange);
  world.requests.fetch_add(1, std::memory_order_relaxed);
  if (world.policy.get()->capture) world.recorder.record(request, world.clock.milliseconds());
  if (route.service == "oidc") return serveOidc(world, route, request, exchange);
  if (route.service == "social") return serveSocial(world, route, request, exchange);
  if (route.service == "portal") return servePortal(world, route, request, exchange);
  if (route.service == "idp") return serveIdp(world, route, request, exchange);
  if (!route.service.empty()) return serveKiro(world, route, request, exchange);
  exchange.send(jsonReply(404, {{"message", "nothing is simulated at this address"}}));
}

}  // namespace omni::sim
