#include <pthread.h>

#include <csignal>

#include "service/platform/requests.hpp"

namespace omni::platform {
namespace {

sigset_t waitedFor() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGINT, SIGTERM, SIGQUIT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

}  // namespace

// Blocked, so that only wait() ever sees them.
Requests::Requests() {
  const sigset_t set = waitedFor();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

Request Requests::wait(std::optional<std::chrono::milliseconds> patience) const {
  const sigset_t set = waitedFor();
  int signal = 0;
  if (patience) {
    const timespec pause{patience->count() / 1000, patience->count() % 1000 * 1'000'000};
    signal = sigtimedwait(&set, nullptr, &pause);
    if (signal <= 0) return Request::None;
  } else if (sigwait(&set, &signal) != 0) {
    return Request::Stop;
  }
  return signal == SIGHUP ? Request::Reload : Request::Stop;
}

}  // namespace omni::platform
