#include <unistd.h>

#include <iostream>

#include "service/platform/process.hpp"

#if defined(__linux__)
#include <sys/prctl.h>
#endif
#include <sys/resource.h>

extern char** environ;

namespace omni::platform {

std::vector<std::string> environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; entry && *entry; ++entry) entries.emplace_back(*entry);
  return entries;
}

void forbidDumps() {
#if !defined(__SANITIZE_ADDRESS__)  // the leak checker must be able to trace its own process
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
#if defined(__linux__)
  prctl(PR_SET_DUMPABLE, 0);
#endif
#endif
}

int64_t processId() {
  return getpid();
}

void complain(std::string_view sentence) {
  std::cerr << "omnirouted: " << sentence << "\n";
}

}  // namespace omni::platform
