#include "service/admin/routing_routes.hpp"

#include <boost/json/array.hpp>

#include "core/routing/resolve.hpp"
#include "service/admin/json_body.hpp"
#include "service/admin/reply.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;
using http::ResponseWriter;

json::value orNull(double number) {
  return number < 0 || number > 1e15 ? json::value(nullptr) : json::value(number);
}

json::object candidateRecord(const routing::ExplainedCandidate& line) {
  return {{"provider", line.provider},
          {"connectionId", line.connection_id},
          {"connection", line.connection_name},
          {"model", line.model},
          {"verdict", line.verdict},
          {"reason", line.reason},
          {"detail", line.detail.empty() ? json::value(nullptr) : json::value(line.detail)},
          {"until", isoTime(line.until_ms)},
          {"inFlight", line.in_flight},
          {"served", line.served},
          {"quotaLeft", orNull(line.remaining)},
          {"quotaResetsAt", isoTime(line.resets_at_ms < 0 ? 0 : line.resets_at_ms)}};
}

json::object record(const routing::Explanation& all) {
  json::array candidates, missing;
  json::value picked(nullptr);
  for (const auto& line : all.candidates) {
    candidates.push_back(candidateRecord(line));
    if (line.verdict == "picked") picked = line.provider + "/" + line.connection_name;
  }
  for (const std::string& name : all.missing) missing.emplace_back(name);
  return {{"model", all.model},
          {"combo", all.combo.empty() ? json::value(nullptr) : json::value(all.combo)},
          {"strategy", all.strategy},
          {"picked", std::move(picked)},
          {"sticky", all.sticky},
          {"candidates", std::move(candidates)},
          {"missing", std::move(missing)},
          {"backAt", isoTime(all.back_at_ms < 0 ? 0 : all.back_at_ms)}};
}

struct Question {
  std::string model, session, connection;
};

Result<Question> readQuestion(const Request& request, bool names_model) {
  auto body = parseOptionalObject(request);
  if (!body) return std::unexpected(std::move(body.error()));
  const auto fine = names_model ? refuseUnknown(*body, {"model", "session", "connection"})
                                : refuseUnknown(*body, {"session", "connection"});
  if (!fine) return std::unexpected(fine.error());
  Question out;
  for (const auto& [key, text] :
       {std::pair("model", &out.model), std::pair("session", &out.session),
        std::pair("connection", &out.connection)}) {
    auto word = stringMember(*body, key);
    if (!word) return std::unexpected(std::move(word.error()));
    *text = word->value_or("");
  }
  if (names_model && out.model.empty())
    return makeError(FailureKind::BadRequest,
                     "\"model\" is missing: what a client would send, such as a combo's name or "
                     "\"kiro/kiro-dev\".",
                     "model");
  return out;
}

void answer(const RoutingDeps& deps, const Question& question, ResponseWriter& writer) {
  chat::ChatRequest request;
  request.model = question.model;
  request.session = question.session;
  request.connection = question.connection;
  const auto explained = deps.explain(request);
  if (!explained) return sendError(writer, explained.error());
  sendJson(writer, 200, record(*explained));
}

void explainCombo(const RoutingDeps& deps, const Request& request, ResponseWriter& writer) {
  auto question = readQuestion(request, false);
  if (!question) return sendError(writer, question.error());
  const auto all = deps.combos.listCombos();
  if (!all) return sendError(writer, all.error());
  const auto wanted = request.params.find("id");
  const std::string id = wanted == request.params.end() ? std::string() : wanted->second;
  std::vector<std::string> names;
  for (const routing::Combo& combo : *all) {
    names.push_back(combo.name);
    if (combo.id == id || (question->model.empty() && combo.name == id))
      question->model = combo.name;
  }
  if (question->model.empty()) {
    const auto near = routing::nearestNames(id, names);
    return sendError(writer,
                     makeError(FailureKind::NotFound,
                               "Combo not found" + (near.empty() ? ": GET /api/combos lists them."
                                                                 : "; did you mean " + near + "?"),
                               "id")
                         .error());
  }
  answer(deps, *question, writer);
}

void explainModel(const RoutingDeps& deps, const Request& request, ResponseWriter& writer) {
  const auto question = readQuestion(request, true);
  if (!question) return sendError(writer, question.error());
  answer(deps, *question, writer);
}

}  // namespace

void addRoutingRoutes(http::RouteTable& table, RoutingDeps deps) {
  const auto add = [&](const char* pattern, bool needs_json, auto handle) {
    http::Route route;
    route.method = "POST";
    route.pattern = pattern;
    route.needs_json = needs_json;
    route.handler = guarded([deps, handle](const Request& request, ResponseWriter& writer) {
      handle(deps, request, writer);
    });
    table.push_back(std::move(route));
  };
  add("/api/combos/{id}/explain", false, explainCombo);
  add("/api/routing/explain", true, explainModel);
}

}  // namespace omni::admin
