// The entry of the plugin library.
#include "plugins/openai/provider.hpp"

// The id and the version equal the manifest's; the host refuses the plugin otherwise.
OMNI_PLUGIN(omni::openai_upstream::OpenAiProvider, "openai", OMNI_OPENAI_VERSION)
