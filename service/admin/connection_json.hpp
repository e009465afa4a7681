#pragma once
// How a connection is shown. Private to service/admin.

#include <boost/json/object.hpp>
#include <string>

#include "core/accounts/connection.hpp"

namespace omni::admin {

// The whole record: plain values as they are, secrets as "••••" under "secrets".
boost::json::object connectionRecord(const Connection& connection);
// Of what a person can change: its name, and whether it is disabled. The same again means that
// nobody has changed them. Tokens come and go without changing it.
std::string connectionVersion(const Connection& connection);
// What an import answers with.
boost::json::object importedConnection(const Connection& connection);

}  // namespace omni::admin
