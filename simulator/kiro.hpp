#pragma once

#include <memory>
#include <string>

#include "simulator/world.hpp"

// What the runtime, the control plane and the old hosts share: operations, callers, errors.
namespace omni::sim {

struct Call {
  const Route* route = nullptr;
  const Request* request = nullptr;
  std::string operation;  // GenerateAssistantResponse, ListAvailableModels, ...
  bool rpc = false;       // JSON-RPC with X-Amz-Target; otherwise REST
  bool runtime = false;   // the new runtime host, with its own error namespace and stream tail
  bool legacy = false;
  json::value body;
  std::shared_ptr<const Account> account;
};

void sendError(const Call& call, Exchange& exchange, int status, std::string_view type,
               std::string_view message, std::string_view reason = {},
               const json::object& more = {});
void sendJson(const Call& call, Exchange& exchange, const json::value& body);

// A member that REST callers put into the query and others into the body.
std::string argument(const Call& call, std::string_view name);

// The region of a profile; empty if it is none.
std::string profileRegion(std::string_view arn);
bool ownsProfile(const Account& account, std::string_view arn);

void generate(World& world, const Call& call, Exchange& exchange);
void manage(World& world, const Call& call, Exchange& exchange);

}  // namespace omni::sim
