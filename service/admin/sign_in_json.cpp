#include "service/admin/sign_in_json.hpp"

#include <string_view>

#include "core/errors/error_table.hpp"
#include "service/admin/reply.hpp"

namespace omni::admin {

namespace json = boost::json;

json::object signInRecord(const SignInView& view) {
  const auto text = [](std::string_view value) {
    return value.empty() ? json::value(nullptr) : json::value(value);
  };
  json::object shown;
  shown["id"] = view.id;
  shown["provider"] = view.provider;
  shown["method"] = view.method;
  shown["mode"] = view.replaces ? "replace" : "create";
  shown["status"] = signInStatusName(view.status);
  shown["kind"] = view.kind;
  shown["userCode"] = text(view.user_code);
  shown["verificationUri"] = text(view.verification_uri);
  shown["verificationUriComplete"] = text(view.verification_uri_complete);
  shown["url"] = text(view.url);
  shown["startedAt"] = isoTime(view.started_ms);
  shown["expiresAt"] = isoTime(view.expires_ms);
  shown["endedAt"] = isoTime(view.ended_ms);
  shown["name"] = text(view.name);
  shown["connectionId"] = text(view.connection_id);
  if (view.error) {
    shown["error"] = {{"message", view.error->message},
                      {"code", errorRule(view.error->kind).code},
                      {"reason", text(view.error->reason)},
                      {"field", text(view.error->field)},
                      {"connectionId", text(view.error->conflict_id)}};
  } else {
    shown["error"] = nullptr;
  }
  return shown;
}

}  // namespace omni::admin
