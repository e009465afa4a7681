#include "service/app/system.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
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

namespace {

// A thread's random bytes ahead of need: ids of requests and traces are many and short, and each
// call into the generator costs several locks and a look at the process id. The process never
// forks, and a byte is erased when it is handed out.
class RandomAhead {
 public:
  void take(unsigned char* out, size_t size) {
    if (size > left_) {
      generate(bytes_.data(), bytes_.size());
      left_ = bytes_.size();
    }
    unsigned char* from = bytes_.data() + (bytes_.size() - left_);
    std::memcpy(out, from, size);
    OPENSSL_cleanse(from, size);
    left_ -= size;
  }
  static void generate(unsigned char* out, size_t size) {
    if (RAND_bytes(out, static_cast<int>(size)) != 1) std::abort();
  }
  static constexpr size_t kLargest = 32;

 private:
  std::array<unsigned char, 1024> bytes_;
  size_t left_ = 0;
};

}  // namespace

void SystemRandom::fill(void* out, size_t size) {
  thread_local RandomAhead ahead;
  auto* bytes = static_cast<unsigned char*>(out);
  if (size <= RandomAhead::kLargest) {
    ahead.take(bytes, size);
  } else {
    RandomAhead::generate(bytes, size);
  }
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
