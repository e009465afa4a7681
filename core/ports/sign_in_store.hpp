#pragma once
// Sign-ins under way, so that a restart of the service does not cost a person's. Implemented by
// service/storage.

#include <map>
#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace omni {

// Thread-safe. What is kept holds device codes and client secrets: it is sealed at rest.
class SignInStore {
 public:
  virtual ~SignInStore() = default;
  virtual Result<> put(std::string_view id, std::string_view state) = 0;  // insert or replace
  virtual Result<> remove(std::string_view id) = 0;                       // success when not there
  // By id. What cannot be opened (another master key) comes back empty.
  virtual Result<std::map<std::string, std::string>> all() = 0;
};

}  // namespace omni
