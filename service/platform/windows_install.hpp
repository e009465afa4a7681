#pragma once
// Registers the program as a service of Windows, and takes that back. Windows only; needs an
// administrator. Sources: the Win32 pages of CreateService and ChangeServiceConfig2.

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/error.hpp"

namespace omni::platform {

struct ServiceSetup {
  std::filesystem::path program;
  std::vector<std::string> arguments;  // after --service
  // For a service that is there already: leave its arguments as they are. An upgrade must not undo
  // what an administrator gave it.
  bool keep_arguments = false;
  std::filesystem::path data_dir;  // made when it is not there, and closed to all but the service
  int preshutdown_s = 30;          // how long a shutdown of the system waits for it
};

// Automatic (delayed) start under a virtual account of its own with no privilege but the one that
// everybody has, restarted after crashes, with a source in the event log. A service of that name
// that is already there gets all of this anew (its arguments may be kept). Errors name the step and
// say what to do.
Result<> installService(const ServiceSetup& setup);

// Stops and removes the service and its source in the event log; the data stay. NotFound: there is
// none.
Result<> removeService();

// Removes a folder with all that is in it. Links and junctions are removed, never followed: the
// service may write into its folder, and this runs with more rights than it has. Done when the
// folder is not there.
Result<> removeFolder(const std::filesystem::path& folder);

}  // namespace omni::platform
