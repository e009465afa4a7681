#pragma once
// The service control manager (SCM) of Windows. Windows only.
// Sources: the Win32 pages of StartServiceCtrlDispatcher, SetServiceStatus, HandlerEx.

#include <functional>

namespace omni::platform {

inline constexpr wchar_t kServiceName[] = L"OmniRoute";

// Set by the first call of runService(): from then on the process is a service.
bool runsAsService();

// Connects to the SCM that started this process and runs `body` on the thread that it makes.
// Returns when the service has stopped, with body's exit code; -1: nobody started this process as a
// service. While `body` has not called reportRunning(), and again after reportStopping(), the SCM
// is told regularly that it goes on. What the SCM asks arrives at Requests (requests.hpp).
//
// A code of failure that only a person can mend (64, 65, 77 and 78: service/app/exit_code.hpp)
// reaches the SCM as the service's own error code. With any other the process ends without a word,
// which is what the SCM's recovery actions (start it again) act on.
int runService(std::function<int()> body);

// Thread-safe; without effect when the process is no service.
void reportRunning();
void reportStopping();

// For the handlers of the console and the SCM: what Requests::wait() will return.
void askToStop();
void askToReload();

}  // namespace omni::platform
