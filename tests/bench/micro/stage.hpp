#pragma once
// A plain loop around one stage: CPU, user and system, of this process. One thread.

#include <sys/resource.h>

#include <cstdio>
#include <functional>

namespace omni::bench {

inline double cpuMicros() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto micros = [](const timeval& t) { return double(t.tv_sec) * 1e6 + double(t.tv_usec); };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

// Runs `body`, which does `units` of its work, for that many seconds and prints what one costs.
inline void stage(const char* name, double units, double seconds,
                  const std::function<void()>& body) {
  body();  // warm
  const double begin = cpuMicros();
  double used = 0;
  size_t rounds = 0;
  do {
    body();
    ++rounds;
    used = cpuMicros() - begin;
  } while (used < seconds * 1e6);
  std::printf("%-44s %10.2f us   (%zu rounds)\n", name, used / double(rounds) / units, rounds);
}

}  // namespace omni::bench
