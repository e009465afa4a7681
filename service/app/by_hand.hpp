#pragma once
// What an administrator does with the service stopped. Each answers with a sentence for the
// terminal.

#include <filesystem>
#include <istream>
#include <string>

#include "core/base/error.hpp"
#include "service/config/config.hpp"

namespace omni::app {

// Lays a backup ready for the next start. The passphrase is the first line of `input`.
Result<std::string> restoreByHand(const config::Config& config, const std::filesystem::path& file,
                                  std::istream& input);

// Makes an empty database where a damaged one was moved aside. Conflict when there is a database.
Result<std::string> beginAnew(const config::Config& config);

}  // namespace omni::app
