#include "service/platform/event_log.hpp"

#include "service/platform/windows_service.hpp"
#include "service/platform/windows_text.hpp"

#include <windows.h>

#include "events.h"  // made from events.mc

namespace omni::platform {
namespace {

// One for the life of the process; reporting is thread-safe.
HANDLE source() {
  static const HANDLE handle = RegisterEventSourceW(nullptr, kServiceName);
  return handle;
}

}  // namespace

void writeEvent(EventKind kind, std::string_view text) {
  if (!runsAsService() || !source()) return;
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
