#pragma once
// What omnirouted.exe does beyond the program of the other systems.

#include <functional>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "service/config/config.hpp"

namespace omni {

std::vector<std::string> utf8Arguments(int count, wchar_t** values);

// Calls `body` with the arguments: under the service control manager when --service is among them,
// in the console otherwise. The exit code of the process.
int runProgram(const std::vector<std::string>& arguments,
               const std::function<int(const std::vector<std::string>&)>& body);

// The sentence that says what was done. The service will run with the settings of the command line
// that is given here, and with `config`'s data folder.
Result<std::string> installAsService(const config::Config& config, const config::Sources& sources);
// Also the data in %ProgramData%\OmniRoute, when `with_data`; in a folder of one's own choice they
// stay, for other things may be there.
Result<std::string> removeAsService(bool with_data);

}  // namespace omni
