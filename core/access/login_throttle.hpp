#pragma once
// Slows down who guesses passwords: after some failures from one address it has to wait, longer
// each time. Thread-safe; the time comes from the caller.

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace omni::access {

class LoginThrottle {
 public:
  // 0: go on; else the milliseconds until the next try is looked at.
  int64_t wait(std::string_view address, int64_t steady_ms);
  void failed(std::string_view address, int64_t steady_ms);
  void succeeded(std::string_view address);

 private:
  struct Tries {
    int failures = 0;
    int64_t last_ms = 0;
    int64_t locked_until_ms = 0;
  };
  void forgetOld(int64_t steady_ms);

  std::mutex mutex_;
  std::map<std::string, Tries, std::less<>> tries_;
};

}  // namespace omni::access
