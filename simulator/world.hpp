#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "simulator/clock.hpp"
#include "simulator/http.hpp"
#include "simulator/identity.hpp"
#include "simulator/policy.hpp"
#include "simulator/script.hpp"

namespace omni::sim {

// Everything one simulator knows. Each part has its own lock; none is held while something is sent.
struct World {
  VirtualClock clock;
  PolicyBox policy;
  Policy start_policy;  // what reset goes back to
  Identity identity{clock, policy};
  Script script;
  Recorder recorder;
  std::atomic<int> active_streams{0};
  std::atomic<std::uint64_t> requests{0};
  std::string base_url;
};

// Where a request goes, after virtual hosts and path prefixes are resolved.
struct Route {
  std::string service;  // oidc | social | portal | idp | runtime | management | legacy | control
  std::string region = "us-east-1";
  std::string path;  // relative to the service, starts with '/'
  std::string base;  // what came before it
};

Route resolveRoute(const Request& request);

void serveOidc(World& world, const Route& route, const Request& request, Exchange& exchange);
void serveSocial(World& world, const Route& route, const Request& request, Exchange& exchange);
void servePortal(World& world, const Route& route, const Request& request, Exchange& exchange);
void serveIdp(World& world, const Route& route, const Request& request, Exchange& exchange);
void serveKiro(World& world, const Route& route, const Request& request, Exchange& exchange);
void serveControl(World& world, const Route& route, const Request& request, Exchange& exchange);

// Routes, records and serves one request.
void serve(World& world, const Request& request, Exchange& exchange);

// Plays a matching fault; true if it has answered (or ended) the exchange.
bool playFault(World& world, const std::vector<std::string>& targets, const std::string& account,
               Exchange& exchange);

Reply jsonReply(int status, const json::value& body);

}  // namespace omni::sim
