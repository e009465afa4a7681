#pragma once
// A model that the account's own list does not have: a typing mistake is told at once, with the
// names that are near, and nothing is sent. Wire source: kiro-protocol E.9, H.5.
//
// Thread-safe.

#include <memory>
#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>

#include "plugins/kiro/endpoints.hpp"
#include "plugins/kiro/model_list.hpp"
#include "plugins/kiro/models.hpp"

namespace omni::kiro {

// Upstream serves it to some accounts whether or not their list has it: what the built-in table
// holds, and the ids of older clients. Pure.
bool isServedUnlisted(std::string_view id);

// Up to three of the catalogue's ids that `name` may have meant, quoted, the nearest first; empty
// when none is near. Pure.
std::string nearestModels(std::string_view name, const Catalogue& catalogue);

// MODEL_UNAVAILABLE when the account's list has no such model. A list that is older than a few
// minutes is asked for anew first, into `catalogue`: the model may be a new one. Success with the
// setting models.unknown = "pass", and when there is no list to go by; then upstream decides.
sdk::Result<> refuseUnlisted(sdk::Call& call, const Endpoints& endpoints, CatalogueMemory& memory,
                             std::string_view name, std::shared_ptr<const Catalogue>& catalogue);

}  // namespace omni::kiro
