#pragma once
// How a connection is shown. Private to service/admin.

#include <boost/json/object.hpp>

#include "core/accounts/connection.hpp"

namespace omni::admin {

// The whole record: plain values as they are, secrets as "••••" under "secrets".
boost::json::object connectionRecord(const Connection& connection);
// What an import answers with.
boost::json::object importedConnection(const Connection& connection);

}  // namespace omni::admin
