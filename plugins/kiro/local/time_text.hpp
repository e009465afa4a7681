#pragma once
// The time formats that tools write into their files (kiro-protocol D.1). Pure.

#include <boost/json/value.hpp>
#include <cstdint>
#include <string_view>

namespace omni::kiro::local {

// RFC 3339 with 0 to 9 digits of fraction and Z or an offset (also without colon), a space instead
// of T, no zone at all (taken as UTC, as SQLite writes it); or a number as text. Unix ms; 0: not
// understood.
int64_t timeMs(std::string_view text);
// As above, and numbers: seconds below 1e11, else milliseconds (microseconds and nanoseconds by
// their size).
int64_t timeMs(const boost::json::value* value);

}  // namespace omni::kiro::local
