#pragma once
// What the systems do differently, for the command line. All text is UTF-8 on every system.

#include <filesystem>
#include <string>
#include <vector>

namespace omni::cli {

// An environment variable; empty: not set.
std::string environment(const char* name);

// Where this user's settings are: $XDG_CONFIG_HOME/omniroute or ~/.config/omniroute; on Windows
// %APPDATA%\OmniRoute. Empty: the environment does not say.
std::filesystem::path configFolder();

// Where a service of this machine may have its data, the installed service's first.
std::vector<std::filesystem::path> dataFolders();

// How a file or folder is open to other users, as the end of a sentence; empty: it is not, or is
// not there. Windows has no modes, and openToOthers() always returns nothing: there the service
// looks at the access lists itself when it starts.
std::string openToOthers(const std::filesystem::path& path);
#if defined(_WIN32)
inline constexpr bool kSeesModes = false;
#else
inline constexpr bool kSeesModes = true;
#endif

// The folder that this program is in.
std::filesystem::path ownFolder(const char* called_as);

// A pipe that is closed ends the program quietly, as other programs do.
void endQuietly();

}  // namespace omni::cli
