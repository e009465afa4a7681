#pragma once
// The OpenAI-compatible API: POST /v1/chat/completions (whole and streamed) and GET /v1/models.
// Wire source: OpenAI API reference, "Chat" and "Models"; frames and bodies themselves are made in
// core/openai.

#include "core/ports/chat_backend.hpp"
#include "core/ports/clock.hpp"
#include "service/http/route.hpp"

namespace omni::http {

// Everything passed by reference must outlive the server that gets the routes.
//
// A failure before the first content is a plain HTTP error with Retry-After where known. After it,
// the stream ends with an error frame and without [DONE]. Answers carry x-omniroute-connection (who
// served) and x-omniroute-attempts (how many were tried).
void addOpenAiRoutes(RouteTable& routes, ChatBackend& backend, Clock& clock, Random& random);

}  // namespace omni::http
