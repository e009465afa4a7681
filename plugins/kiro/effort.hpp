#pragma once
// How hard the model shall think -> additionalModelRequestFields, by the model's own schema. Wire
// source: kiro-protocol E.8, H.6. Pure and thread-safe.

#include <omniroute/sdk.hpp>
#include <string>

#include "plugins/kiro/models.hpp"

namespace omni::kiro {

// The member's raw JSON; empty when nothing is to be sent: a model without a schema refuses the
// member, and so does a model that gets another one's.
std::string effortFields(const omni_request_t& request, const ResolvedModel& name,
                         const ModelInfo* model);

// The level that the model has for the wanted one: the same, else the next lower, else the next
// higher. Empty when it has none.
std::string clampEffort(std::string_view wanted, const std::vector<std::string>& levels);

}  // namespace omni::kiro
