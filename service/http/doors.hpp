#pragma once
// The client-facing APIs: which codec answers at which path, and the list of models. Wire sources:
// OpenAI API reference ("Chat", "Models"); frames and bodies themselves are made in core/openai and
// its siblings, the way from one to the other is in inference.hpp.

#include "service/http/inference.hpp"
#include "service/http/route.hpp"

namespace omni::http {

// POST /v1/chat/completions, GET /v1/models. Everything that `deps` refers to must outlive the
// server that gets the routes.
void addInferenceRoutes(RouteTable& routes, InferenceDeps deps);

}  // namespace omni::http
