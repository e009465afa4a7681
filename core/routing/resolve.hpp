#pragma once
// What a client's `model` or a combo's target means, against the connections of this moment. Pure
// and thread-safe.

#include <string>
#include <string_view>
#include <vector>

#include "core/accounts/connection.hpp"
#include "core/base/error.hpp"
#include "core/routing/combo.hpp"

namespace omni::routing {

struct Candidate {
  std::string provider;
  std::string connection_id;
  std::string connection_name;
  std::string model;  // what the provider is asked for
};

constexpr std::string_view kDefaultModel =
    "auto";  // when a target names no model: the provider chooses

// provider/connection, provider/connection/model or provider/model (every connection of the
// provider, in name order). Connection names win over models. A model may hold slashes only after a
// connection. NotFound names the nearest known names.
Result<std::vector<Candidate>> resolveTarget(std::string_view text,
                                             const std::vector<Connection>& connections,
                                             const std::vector<std::string>& providers);

// BadRequest with the field: name, strategy or targets. Targets need not exist now, but must have
// the form provider/….
Result<> validateCombo(const Combo& combo, const std::vector<std::string>& providers);

// Up to three names nearest to `text`, as `"a", "b"`; empty when none is near.
std::string nearestNames(std::string_view text, const std::vector<std::string>& names);

}  // namespace omni::routing
