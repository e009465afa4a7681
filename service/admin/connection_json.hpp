#pragma once
// How a connection is shown. Private to service/admin.

#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/accounts/connection.hpp"

namespace omni::admin {

// The whole record: plain values as they are, secrets as "••••" under "secrets".
boost::json::object connectionRecord(const Connection& connection);
// Of what a person can change: its name, and whether it is disabled. The same again means that
// nobody has changed them. Tokens come and go without changing it.
std::string connectionVersion(const Connection& connection);
// Who else here is the same person, by the provider's own user id: such accounts share one quota,
// and falling back from one to the other gains nothing. It is no mistake where they differ in
// profile or region. Refers to `all` as long as it lives.
class Persons {
 public:
  explicit Persons(const std::vector<Connection>& all);
  // Adds "samePersonAs", the others' names, where there are any.
  void note(const Connection& connection, boost::json::object& record) const;

 private:
  std::multimap<std::pair<std::string_view, std::string_view>, const Connection*> known_;
};
// What an import answers with.
boost::json::object importedConnection(const Connection& connection);

}  // namespace omni::admin
