#pragma once
// What a client's `model` or a combo's target means, against the connections of this moment. Pure
// and thread-safe.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/accounts/connection.hpp"
#include "core/base/error.hpp"
#include "core/routing/combo.hpp"

namespace omni::routing {

struct Candidate {
  const Connection* connection = nullptr;  // in the vector that was given
  std::string model;                       // what the provider is asked for
};

constexpr std::string_view kDefaultModel =
    "auto";  // when a target names no model: the provider chooses

// provider or provider/* (every account, in name order), provider/account, provider/account/model,
// or provider/model (every account of the provider). Account names win over models. A model may
// hold slashes only after an account. NotFound names the nearest known names.
Result<std::vector<Candidate>> resolveTarget(std::string_view text,
                                             const std::vector<Connection>& connections,
                                             const std::vector<std::string>& providers);

// A target with pinned accounts, found by id, else by name; `missing` gets the names of those that
// are no more. A soft pin is followed by the provider's other accounts. Empty: all are missing.
std::vector<Candidate> resolvePinned(const Target& target,
                                     const std::vector<Connection>& connections,
                                     std::vector<std::string>& missing);

// The target as people read and write it, with the accounts' names of today.
std::string targetText(const Target& target, const std::vector<Connection>& connections);

// Fills in `accounts` of a target whose text names one account, so that it survives a rename.
void rememberAccount(Target& target, const std::vector<Connection>& connections);

// BadRequest with the field: name, strategy, targets, targets[n].weight or options.x. Targets need
// not exist now, but must have a known form and a known provider.
Result<> validateCombo(const Combo& combo, const std::vector<std::string>& providers);

// BadRequest for a combo that, put beside `all`, would contain itself; the message shows the way
// round.
Result<> refuseCycle(const Combo& combo, const std::vector<Combo>& all);

// The combo that a target names, by id, else by name; nullptr: none does.
const Combo* comboOf(const Target& target, const std::vector<Combo>& all);

// Up to three names nearest to `text`, as `"a", "b"`; empty when none is near.
std::string nearestNames(std::string_view text, const std::vector<std::string>& names);

}  // namespace omni::routing
