#pragma once
// The extension "omni.local-scan/1" (omniroute/local_scan.h) over scan.hpp.

#include <omniroute/local_scan.h>

namespace omni::kiro::local {

const omni_local_scan_t* extension();

}  // namespace omni::kiro::local
