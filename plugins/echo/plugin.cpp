#include "plugins/echo/provider.hpp"

// The id and the version equal the manifest's; the host refuses the plugin otherwise.
OMNI_PLUGIN(omni::echo::EchoProvider, "echo", OMNI_ECHO_VERSION)
