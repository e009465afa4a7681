#pragma once
// GET /v1/models and /v1/models/{id} in the shape that the client knows: Anthropic's when it sends
// an anthropic-version header, else OpenAI's. Wire sources: OpenAI API reference, "Models";
// Anthropic API reference, "List models", "Get a model".

#include "service/http/inference.hpp"
#include "service/http/route.hpp"

namespace omni::http {

bool speaksAnthropic(const Request& request);

// Anthropic's list takes limit (1 to 1,000, default 1,000: these clients page badly), after_id and
// before_id; OpenAI's has no pages.
void addModelRoutes(RouteTable& routes, const std::shared_ptr<const InferenceDeps>& deps);

}  // namespace omni::http
