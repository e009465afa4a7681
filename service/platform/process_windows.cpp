#include <cstdlib>
#include <iostream>

#include "service/platform/event_log.hpp"
#include "service/platform/process.hpp"
#include "service/platform/windows_folders.hpp"
#include "service/platform/windows_text.hpp"

#include <windows.h>

namespace omni::platform {
namespace {

const std::string kShared = "ProgramData=";

}  // namespace

std::vector<std::string> environment() {
  std::vector<std::string> entries;
  wchar_t* const block = GetEnvironmentStringsW();
  for (const wchar_t* entry = block; entry && *entry; entry += std::wcslen(entry) + 1)
    if (*entry != L'=') entries.push_back(utf8(entry));  // "=C:=..." are the shell's own
  if (block) FreeEnvironmentStringsW(block);
  if (const auto shared = programData(); !shared.empty()) {
    std::erase_if(entries, [](const std::string& entry) { return entry.starts_with(kShared); });
    entries.push_back(kShared + shared.string());
  }
  return entries;
}

// Error reporting would write the memory into a file, and may send it away.
void forbidDumps() {
  SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
}

int64_t processId() {
  return static_cast<int64_t>(GetCurrentProcessId());
}

void complain(std::string_view sentence) {
  std::cerr << "omnirouted: " << sentence << "\n";
  writeEvent(EventKind::Error, sentence);
}

}  // namespace omni::platform
