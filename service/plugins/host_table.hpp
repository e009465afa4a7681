#pragma once
#include <omniroute/abi.h>

#include "service/plugins/call.hpp"

namespace omni::plugins {

// The services as a plugin sees them. No exception leaves them. `context` must outlive the table's
// use.
omni_host_t makeHostTable(HostContext& context);

}  // namespace omni::plugins
