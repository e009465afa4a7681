#pragma once
// What a process is told and tells about itself. All text is UTF-8 on every system.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace omni::platform {

// Every variable as NAME=value. On Windows ProgramData is what the system says, not the variable.
std::vector<std::string> environment();

// Tokens live in this process: no core file, and no reading of its memory by other programs of the
// user, as far as the system lets a program say so. Once, before they are loaded.
void forbidDumps();

int64_t processId();

// Tells the user that the process cannot do what it was started for: on standard error, and, where
// a service has none (Windows), in the system's event log too.
void complain(std::string_view sentence);

}  // namespace omni::platform
