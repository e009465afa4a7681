#pragma once
// The check behind the watchdog: does the service answer its own health route?

#include <chrono>
#include <cstdint>
#include <string>

namespace omni::app {

// True when GET /healthz on that address answers 200 within `timeout`. Never throws. Thread-safe.
bool answersHealthCheck(const std::string& host, uint16_t port, std::chrono::milliseconds timeout);

}  // namespace omni::app
