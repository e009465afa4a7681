#pragma once
// What was said, made fit to be kept: without the credentials that a body carries for others (an
// MCP server's token, headers of a tool), whether or not their shape is known.

#include <string>
#include <string_view>

namespace omni::telemetry {

// For a JSON text, well-formed or not. "[redacted]" replaces the text value of a member that has a
// credential's name (authorization, authorization_token, api_key, cookie, password, ...; whatever
// its case, dashes and underscores), every text value in an object named "headers", and what
// redact() finds. JSON inside a text (its quotes escaped) is covered too. The rest stays as it is,
// so that a good body is still good. Pure; thread-safe.
std::string redactContent(std::string_view text);

}  // namespace omni::telemetry
