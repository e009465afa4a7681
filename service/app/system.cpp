#include "service/app/system.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace omni::app {

int64_t SystemClock::nowMs() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

int64_t SystemClock::steadyMs() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void SystemRandom::fill(void* out, size_t size) {
  if (RAND_bytes(static_cast<unsigned char*>(out), static_cast<int>(size)) != 1) std::abort();
}

bool SystemWaiter::wait(int64_t ms, const CancelToken& cancel) {
  using namespace std::chrono;
  const auto end = steady_clock::now() + milliseconds(ms);
  for (;;) {
    if (cancel.cancelled()) return false;
    const auto left = end - steady_clock::now();
    if (left <= nanoseconds(0)) return true;
    std::this_thread::sleep_for(std::min<steady_clock::duration>(left, milliseconds(50)));
  }
}

}  // namespace omni::app
