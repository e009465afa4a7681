#include "service/platform/requests.hpp"

#include "service/platform/windows_service.hpp"

#include <windows.h>

namespace omni::platform {
namespace {

// For the life of the process: handlers may run at any time. The first stays set, the second is
// taken by the one that waits.
HANDLE stopEvent() {
  static const HANDLE event = CreateEventW(nullptr, TRUE, FALSE, nullptr);
  return event;
}
HANDLE reloadEvent() {
  static const HANDLE event = CreateEventW(nullptr, FALSE, FALSE, nullptr);
  return event;
}

BOOL WINAPI onConsole(DWORD what) {
  if (what == CTRL_LOGOFF_EVENT && runsAsService()) return TRUE;  // another user's
  // Ctrl+Break is the one key that is free to mean something else, as SIGHUP elsewhere.
  if (what == CTRL_BREAK_EVENT) {
    askToReload();
    return TRUE;
  }
  askToStop();
  // When this returns from one of the others, the process is ended at once; the system waits for
  // some seconds, in which main() comes to its end.
  if (what != CTRL_C_EVENT) Sleep(INFINITE);
  return TRUE;
}

}  // namespace

void askToStop() {
  SetEvent(stopEvent());
}

void askToReload() {
  SetEvent(reloadEvent());
}

Requests::Requests() {
  stopEvent();
  reloadEvent();
  SetConsoleCtrlHandler(onConsole, TRUE);
}

Request Requests::wait(std::optional<std::chrono::milliseconds> patience) const {
  const HANDLE events[] = {stopEvent(), reloadEvent()};
  const DWORD limit = patience ? static_cast<DWORD>(patience->count()) : INFINITE;
  switch (WaitForMultipleObjects(2, events, FALSE, limit)) {
    case WAIT_OBJECT_0 + 1:
      return Request::Reload;
    case WAIT_TIMEOUT:
      return Request::None;
    default:
      return Request::Stop;
  }
}

}  // namespace omni::platform
