#pragma once

// The project's version, which is the manifest's too; given by the build.
#ifndef OMNI_KIRO_VERSION
#error "OMNI_KIRO_VERSION comes from CMake's PROJECT_VERSION"
#endif

namespace omni::kiro {
inline constexpr const char* kVersion = OMNI_KIRO_VERSION;
}
