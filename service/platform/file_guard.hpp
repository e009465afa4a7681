#pragma once
// Who may change and read files. POSIX: owner and mode. Windows: owner and access list; there the
// system's own accounts (SYSTEM, administrators, TrustedInstaller) count as root does elsewhere.

#include <filesystem>
#include <optional>
#include <string>

#include "core/base/error.hpp"

namespace omni::platform {

// Why somebody other than the system and the user of this process may change the file or folder,
// with the remedy, as the end of a sentence that begins with its path; nullopt: nobody may.
// NotFound when it cannot be examined. Links are followed.
Result<std::optional<std::string>> changeableByOthers(const std::filesystem::path& path);

// The same for reading. Only Windows needs it apart from what the callers do with fstat(2); on
// POSIX it looks at group and others.
Result<std::optional<std::string>> readableByOthers(const std::filesystem::path& path);

// Closes a folder that was just made to all but the system and the user of this process; what is
// made in it later inherits that. Unavailable when the system refuses.
Result<> makePrivate(const std::filesystem::path& folder);

}  // namespace omni::platform
