#pragma once

namespace omni::kiro {
inline constexpr const char* kVersion = "0.1.0";  // equal to the manifest's
}
