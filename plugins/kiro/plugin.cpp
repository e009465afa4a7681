// The entry of the plugin library.
#include "plugins/kiro/provider.hpp"
#include "plugins/kiro/version.hpp"

using omni::kiro::KiroProvider;

OMNI_PLUGIN(KiroProvider, "kiro", omni::kiro::kVersion)
