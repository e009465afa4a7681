#pragma once
// The system's log of events, where an administrator looks first. On Windows it is the Application
// log, under the source that the installation registers; elsewhere journald reads standard error,
// and the calls do nothing.

#include <string_view>

namespace omni::platform {

enum class EventKind { Information, Warning, Error };

// Thread-safe. Failures are ignored: there is nobody left to tell. More than 30 in a minute are
// dropped. `text` must be redacted already.
void writeEvent(EventKind kind, std::string_view text);

// Whether what the service logs must be written as events too: it runs as a service of a system on
// which a service has no standard error.
bool wantsEvents();

}  // namespace omni::platform
