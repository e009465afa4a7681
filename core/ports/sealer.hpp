#pragma once
// Encrypts secrets at rest. Implemented by service/secrets (AES-256-GCM under the master key).
// Thread-safe.

#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace omni {

class Sealer {
 public:
  virtual ~Sealer() = default;
  // `context` is bound to the result as additional data ("table/column/row id"): opening it
  // elsewhere fails.
  virtual Result<std::string> seal(std::string_view plaintext, std::string_view context) = 0;
  virtual Result<std::string> open(std::string_view sealed, std::string_view context) = 0;
};

}  // namespace omni
