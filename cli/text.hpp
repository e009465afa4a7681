#pragma once
// Text as a terminal shows it. Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace omni::cli {

// Columns that UTF-8 text takes: wide characters two, combining ones none.
size_t displayWidth(std::string_view text);
// At most `width` columns; what is cut off becomes "…".
std::string clipped(std::string_view text, size_t width);
std::string padded(std::string_view text, size_t width);
// Names come from other people: control characters (also C1 and those that turn the writing
// direction) and broken UTF-8 become "?", line breaks a space.
std::string safe(std::string_view text);
// Lines of at most `width` columns, broken at spaces.
std::vector<std::string> wrapped(std::string_view text, size_t width);

// The entry of `known` that was probably meant; empty: none is near.
std::string nearest(std::string_view given, const std::vector<std::string>& known);

// "in 3 h", "2 d ago", "now"; the times are Unix ms.
std::string relativeTime(int64_t at_ms, int64_t now_ms);
// Unix ms of "2026-01-31T12:00:00.000Z" as the service writes it; 0: not understood.
int64_t parseIso(std::string_view text);
std::string isoText(int64_t unix_ms);  // "2026-01-31T12:00:00Z"

}  // namespace omni::cli
