#pragma once
// Combos as JSON: what a body may say, and how one is shown. Private to service/admin.

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "core/accounts/connection.hpp"
#include "core/base/error.hpp"
#include "core/routing/combo.hpp"

namespace omni::admin {

// What targets may name.
struct ComboWorld {
  const std::vector<Connection>& connections;
  const std::vector<routing::Combo>& combos;
  const std::vector<std::string>& providers;
  // The combo that is changed: what it has already, it may keep, also when it is no more.
  const routing::Combo* stored = nullptr;
};

// Takes over what the body says. A new combo needs name and targets; a change only what changes.
// BadRequest with the field; nothing of `combo` is worth keeping then.
Result<> applyComboBody(const boost::json::object& body, const ComboWorld& world, bool is_new,
                        routing::Combo& combo);

std::string comboVersion(const routing::Combo& combo);  // another one after every change
// "targets" is in the form that a body may send back; "missing" names those that are no more.
boost::json::object comboRecord(const routing::Combo& combo, const ComboWorld& world);

}  // namespace omni::admin
