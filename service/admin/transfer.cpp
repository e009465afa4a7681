// Export, import of a bundle, and what all imports share.

#include "service/admin/transfer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "core/base/ascii.hpp"
#include "service/admin/json_body.hpp"
#include "service/admin/lookup.hpp"
#include "service/admin/reply.hpp"
#include "service/admin/transfer_context.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;
using http::ResponseWriter;

constexpr size_t kMaxBundle = 32u << 20;

Result<std::optional<std::vector<std::string>>> wantedAccounts(const json::object& body) {
  const json::value* value = body.if_contains("connections");
  if (value == nullptr || value->is_null()) return std::nullopt;
  const auto bad = [] {
    return makeError(FailureKind::BadRequest,
                     "\"connections\" must be an array of ids or names, or left out for all.",
                     "connections");
  };
  if (!value->is_array() || value->as_array().empty()) return bad();
  std::vector<std::string> out;
  for (const json::value& item : value->as_array()) {
    if (!item.is_string()) return bad();
    out.emplace_back(item.as_string());
  }
  return out;
}

void exportAccounts(TransferContext& context, const Request& request, ResponseWriter& writer) {
  auto body = parseObject(request.body);
  if (!body) return sendError(writer, body.error());
  if (auto fine = refuseUnknown(*body, {"passphrase", "connections"}); !fine)
    return sendError(writer, fine.error());
  auto passphrase = stringMember(*body, "passphrase");
  if (!passphrase) return sendError(writer, passphrase.error());
  auto wanted = wantedAccounts(*body);
  if (!wanted) return sendError(writer, wanted.error());
  std::vector<Connection> exported;
  auto contents = bundleContents(context, *wanted, exported);
  if (!contents) return sendError(writer, contents.error());
  auto bundle = context.deps.bundles.seal(*contents, passphrase->value_or(""));
  if (!bundle) return sendError(writer, bundle.error());
  for (const Connection& connection : exported)
    auditTransfer(context, request, "connection.exported", connection.id,
                  connection.provider + "/" + connection.name, {});
  writer.setHeader("content-disposition", "attachment; filename=\"omniroute-bundle.json\"");
  writer.setHeader("cache-control", "no-store");
  writer.json(200, *bundle + "\n");
}

void importBundleRoute(TransferContext& context, const Request& request, ResponseWriter& writer) {
  auto body = parseObject(request.body);
  if (!body) return sendError(writer, body.error());
  if (auto fine = refuseUnknown(*body, {"passphrase", "bundle"}); !fine)
    return sendError(writer, fine.error());
  auto passphrase = stringMember(*body, "passphrase");
  if (!passphrase) return sendError(writer, passphrase.error());
  const json::value* bundle = body->if_contains("bundle");
  if (bundle == nullptr || (!bundle->is_object() && !bundle->is_string())) {
    return sendError(writer,
                     makeError(FailureKind::BadRequest,
                               "\"bundle\" must be what POST /api/export answered.", "bundle")
                         .error());
  }
  const std::string envelope =
      bundle->is_string() ? std::string(bundle->as_string()) : json::serialize(*bundle);
  auto contents = context.deps.bundles.open(envelope, passphrase->value_or(""));
  if (!contents) return sendError(writer, contents.error());
  auto answer = importBundle(context, request, *contents);
  if (!answer) return sendError(writer, answer.error());
  sendJson(writer, 200, *answer);
}

}  // namespace

json::object& ImportReport::add(std::string_view name, const char* result) {
  items_.push_back(json::object{{"index", items_.size()},
                                {"name", name.empty() ? json::value(nullptr) : json::value(name)},
                                {"result", result}});
  return items_.back().as_object();
}

void ImportReport::imported(std::string_view name, std::string_view id, json::object more) {
  json::object& item = add(name, "imported");
  item["connectionId"] = id;
  for (auto& member : more) item[member.key()] = std::move(member.value());
  ++imported_;
}

void ImportReport::skipped(std::string_view name, std::string_view id, std::string_view why) {
  json::object& item = add(name, "skipped");
  item["connectionId"] = id;
  item["reason"] = why;
  ++skipped_;
}

void ImportReport::refused(std::string_view name, std::string_view why, std::string_view field) {
  json::object& item = add(name, "refused");
  item["reason"] = why;
  if (!field.empty()) item["field"] = field;
  ++refused_;
}

json::object ImportReport::answer() && {
  return {{"success", refused_ == 0},
          {"imported", imported_},
          {"skipped", skipped_},
          {"refused", refused_},
          {"results", std::move(items_)}};
}

Result<std::string> freeName(ConnectionStore& accounts, std::string_view provider,
                             std::string name) {
  auto all = accounts.list();
  if (!all) return std::unexpected(std::move(all.error()));
  for (int number = 1;; ++number) {
    std::string tried = number == 1 ? name : fmt::format("{}-{}", name, number);
    const bool taken = std::any_of(all->begin(), all->end(), [&](const Connection& other) {
      return other.provider == provider && equalsIgnoringCase(other.name, tried);
    });
    if (!taken) return tried;
  }
}

void auditTransfer(TransferContext& context, const Request& request, std::string_view action,
                   std::string_view id, std::string_view name, const json::object& detail) {
  if (context.deps.audit == nullptr) return;
  AuditEntry entry;
  entry.at_ms = context.deps.clock.nowMs();
  entry.actor = actorOf(request);
  entry.action = action;
  entry.subject = "connection";
  entry.subject_id = id;
  entry.subject_name = name;
  entry.detail = json::serialize(detail);
  // The change is in force; a log that cannot be written must not make it look failed.
  (void)context.deps.audit->record(entry);
}

void addTransferRoutes(http::RouteTable& table, TransferDeps deps) {
  const auto context = std::make_shared<TransferContext>(TransferContext{std::move(deps)});
  http::Route out;
  out.method = "POST";
  out.pattern = "/api/export";
  out.needs_json = true;
  out.handler = guarded([context](const Request& request, ResponseWriter& writer) {
    exportAccounts(*context, request, writer);
  });
  table.push_back(std::move(out));
  http::Route in;
  in.method = "POST";
  in.pattern = "/api/import/bundle";
  in.needs_json = true;
  in.max_body = kMaxBundle;
  in.handler = guarded([context](const Request& request, ResponseWriter& writer) {
    importBundleRoute(*context, request, writer);
  });
  table.push_back(std::move(in));
  addForeignImportRoutes(table, context);
}

}  // namespace omni::admin
