#include "service/platform/event_log.hpp"

#include "service/platform/windows_service.hpp"
#include "service/platform/windows_text.hpp"

#include <mutex>

#include <windows.h>

#include "events.h"  // made from events.mc

namespace omni::platform {
namespace {

// One for the life of the process; reporting is thread-safe.
HANDLE source() {
  static const HANDLE handle = RegisterEventSourceW(nullptr, kServiceName);
  return handle;
}

// The Application log has a fixed size and belongs to all programs: an upstream that fails for
// hours must not push the others' events out of it.
constexpr int kMostInAMinute = 30;

bool hasRoom() {
  static std::mutex mutex;
  static ULONGLONG minute = 0;
  static int written = 0;
  const std::lock_guard lock(mutex);
  if (const ULONGLONG now = GetTickCount64() / 60'000; now != minute) {
    minute = now;
    written = 0;
  }
  return ++written <= kMostInAMinute;
}

}  // namespace

void writeEvent(EventKind kind, std::string_view text) {
  if (!runsAsService() || !source() || !hasRoom()) return;
  constexpr size_t kLongest = 30'000;  // a string of an event holds 31 839 characters
  std::wstring line = wide(text.substr(0, kLongest));
  const wchar_t* strings[] = {line.c_str()};
  const WORD type = kind == EventKind::Error     ? EVENTLOG_ERROR_TYPE
                    : kind == EventKind::Warning ? EVENTLOG_WARNING_TYPE
                                                 : EVENTLOG_INFORMATION_TYPE;
  const DWORD id = kind == EventKind::Error     ? OMNI_EVENT_ERROR
                   : kind == EventKind::Warning ? OMNI_EVENT_WARNING
                                                : OMNI_EVENT_INFORMATION;
  ReportEventW(source(), type, 0, id, nullptr, 1, 0, strings, nullptr);
}

bool wantsEvents() {
  return runsAsService();
}

}  // namespace omni::platform
