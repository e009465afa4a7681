#include "service/platform/windows_service.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include <windows.h>

namespace omni::platform {
namespace {

constexpr DWORD kAccepted =
    SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PRESHUTDOWN | SERVICE_ACCEPT_PARAMCHANGE;
constexpr DWORD kWaitHintMs = 10'000;
constexpr std::chrono::seconds kBetweenReports{2};

std::atomic<bool> as_service{false};

// All that the SCM is told, in one place, so that reports never overtake each other.
class Reporter {
 public:
  void open(SERVICE_STATUS_HANDLE handle) {
    const std::lock_guard lock(mutex_);
    handle_ = handle;
    send(SERVICE_START_PENDING, 0);
  }
  void set(DWORD state, DWORD exit_code = 0) {
    const std::lock_guard lock(mutex_);
    if (state_ == SERVICE_STOPPED) return;
    // A stop that came while the settings were read anew.
    if (state_ == SERVICE_STOP_PENDING && state == SERVICE_RUNNING) return;
    checkpoint_ = 0;
    send(state, exit_code);
  }
  // While it starts or stops: without a new checkpoint within the hint it is taken for hung.
  void goesOn() {
    const std::lock_guard lock(mutex_);
    if (state_ == SERVICE_START_PENDING || state_ == SERVICE_STOP_PENDING) send(state_, 0);
  }

 private:
  void send(DWORD state, DWORD exit_code) {
    state_ = state;
    const bool pending = state == SERVICE_START_PENDING || state == SERVICE_STOP_PENDING;
    SERVICE_STATUS status{};
    status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    status.dwCurrentState = state;
    status.dwControlsAccepted = state == SERVICE_RUNNING ? kAccepted : 0;
    status.dwWin32ExitCode = exit_code == 0 ? NO_ERROR : ERROR_SERVICE_SPECIFIC_ERROR;
    status.dwServiceSpecificExitCode = exit_code;
    status.dwCheckPoint = pending ? ++checkpoint_ : 0;
    status.dwWaitHint = pending ? kWaitHintMs : 0;
    if (handle_) SetServiceStatus(handle_, &status);
  }

  std::mutex mutex_;
  SERVICE_STATUS_HANDLE handle_ = nullptr;
  DWORD state_ = 0;
  DWORD checkpoint_ = 0;
};

Reporter& reporter() {
  static Reporter one;
  return one;
}

std::function<int()>& theBody() {
  static std::function<int()> body;
  return body;
}
std::atomic<int> exit_code{-1};

bool final(int code) {
  return code == 0 || code == 64 || code == 65 || code == 77 || code == 78;
}

// On a thread of the SCM's; it must return at once.
DWORD WINAPI onControl(DWORD control, DWORD, void*, void*) {
  switch (control) {
    case SERVICE_CONTROL_STOP:
    case SERVICE_CONTROL_PRESHUTDOWN:
      reporter().set(SERVICE_STOP_PENDING);
      askToStop();
      return NO_ERROR;
    case SERVICE_CONTROL_PARAMCHANGE:  // sc control OmniRoute paramchange
      askToReload();
      return NO_ERROR;
    case SERVICE_CONTROL_INTERROGATE:
      return NO_ERROR;
    default:
      return ERROR_CALL_NOT_IMPLEMENTED;
  }
}

void WINAPI serviceMain(DWORD, wchar_t**) {
  as_service = true;
  const auto handle = RegisterServiceCtrlHandlerExW(kServiceName, onControl, nullptr);
  if (!handle) return;
  reporter().open(handle);
  std::jthread reports([](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any pause;
    std::unique_lock lock(mutex);
    while (!pause.wait_for(lock, stop, kBetweenReports, [&] { return stop.stop_requested(); }))
      reporter().goesOn();
  });
  const int code = theBody()();
  exit_code = code;
  reports.request_stop();
  reports.join();
  if (!final(code)) TerminateProcess(GetCurrentProcess(), static_cast<UINT>(code));
  reporter().set(SERVICE_STOPPED, static_cast<DWORD>(code));
}

}  // namespace

bool runsAsService() {
  return as_service;
}

int runService(std::function<int()> body) {
  theBody() = std::move(body);
  std::wstring name = kServiceName;
  SERVICE_TABLE_ENTRYW table[] = {{name.data(), serviceMain}, {nullptr, nullptr}};
  return StartServiceCtrlDispatcherW(table) ? exit_code.load() : -1;
}

void reportRunning() {
  if (runsAsService()) reporter().set(SERVICE_RUNNING);
}

void reportStopping() {
  if (runsAsService()) reporter().set(SERVICE_STOP_PENDING);
}

}  // namespace omni::platform
