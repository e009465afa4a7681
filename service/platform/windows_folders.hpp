#pragma once
// Folders that the system names. Windows only.

#include <filesystem>

namespace omni::platform {

// C:\ProgramData on most machines. Asked of the system, because the environment of a service need
// not say it, or may say something else (Wine's does). Empty when the system does not know.
std::filesystem::path programData();

}  // namespace omni::platform
