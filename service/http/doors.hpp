#pragma once
// The client-facing APIs: which codec answers at which path. Frames and bodies themselves are made
// in core/openai, core/anthropic and core/responses; the way from one to the other is in
// inference.hpp, the lists of models in model_list.hpp.

#include "service/http/inference.hpp"
#include "service/http/route.hpp"

namespace omni::http {

// POST /v1/chat/completions, /v1/messages, /v1/messages/count_tokens, /v1/responses; GET /v1/models
// and /v1/models/{id}. Everything that `deps` refers to must outlive the server that gets the
// routes.
void addInferenceRoutes(RouteTable& routes, InferenceDeps deps);

}  // namespace omni::http
