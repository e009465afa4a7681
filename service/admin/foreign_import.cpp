// Imports from other programs, through the provider's own import: one account after the other, each
// with a result of its own.

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "core/accounts/new_name.hpp"
#include "service/admin/foreign_accounts.hpp"
#include "service/admin/lookup.hpp"
#include "service/admin/reply.hpp"
#include "service/admin/transfer_context.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;
using http::ResponseWriter;

constexpr size_t kMaxList = 8u << 20;
constexpr size_t kMaxDatabase = 64u << 20;

struct Options {
  bool rotate = false;
  std::string proxy_id;  // empty: by what is assigned
};

Result<Options> readOptions(TransferContext& context, const Request& request) {
  Options out;
  if (auto fine = refuseUnknownQuery(request, {"rotate", "proxyId"}); !fine)
    return std::unexpected(std::move(fine.error()));
  for (const auto& [key, value] : request.query) {
    if (key == "rotate" && (value == "true" || value == "false")) {
      out.rotate = value == "true";
    } else if (key == "rotate") {
      return makeError(FailureKind::BadRequest, "\"rotate\" must be true or false.", "rotate");
    } else if (key == "proxyId") {
      out.proxy_id = value;
    }
  }
  if (out.proxy_id.empty() || out.proxy_id == kDirectProxy) return out;
  auto all = context.deps.proxies.list();
  if (!all) return std::unexpected(std::move(all.error()));
  for (const ProxyRecord& record : *all) {
    if (record.id != out.proxy_id && record.name != out.proxy_id) continue;
    out.proxy_id = record.id;
    return out;
  }
  return makeError(FailureKind::NotFound,
                   "No proxy has this id or name. GET /api/proxies lists them.", "proxyId");
}

// One account through the provider's import. The draft forgets everything when it fails.
Result<std::string> take(TransferContext& context, Provider& provider,
                         const ForeignAccount& account, const Options& options,
                         const CancelToken& cancel) {
  auto draft = provider.draft({});
  if (!draft) return std::unexpected(std::move(draft.error()));
  const std::string id((*draft)->connectionId());
  if (!options.proxy_id.empty()) {
    if (auto assigned = context.deps.assigner.assign(id, options.proxy_id); !assigned)
      return std::unexpected(std::move(assigned.error()));
  }
  const auto fail = [&](Error error) -> Result<std::string> {
    if (!options.proxy_id.empty()) (void)context.deps.assigner.unassign(id);
    return std::unexpected(std::move(error));
  };
  json::object input = account.input;
  input["rotate"] = options.rotate;
  auto done = (*draft)->control("accounts.import", json::serialize(input), cancel);
  if (!done) return fail(std::move(done.error()));
  std::string name;
  if (!account.name.empty()) {
    auto free = freeName(context.deps.accounts, account.provider, account.name);
    if (!free) return fail(std::move(free.error()));
    name = std::move(*free);
  }
  auto stored = finishAs(**draft, name);
  if (!stored) return fail(std::move(stored.error()));
  return stored;
}

void importOne(TransferContext& context, const Request& request, const char* kind,
               const ForeignAccount& account, const Options& options, const CancelToken& cancel,
               ImportReport& report) {
  const std::string& shown = account.name.empty() ? account.email : account.name;
  if (!account.refusal.empty()) return report.refused(shown, account.refusal);
  Provider* provider = context.deps.providers.find(account.provider);
  if (provider == nullptr)
    return report.refused(shown, fmt::format("There is no provider {} here.", account.provider));
  auto id = take(context, *provider, account, options, cancel);
  if (!id) {
    const Error& error = id.error();
    if (error.kind == FailureKind::Conflict && !error.conflict_id.empty())
      return report.skipped(shown, error.conflict_id, error.message);
    return report.refused(shown, error.message, error.field);
  }
  json::object more;
  auto connection = context.deps.accounts.get(*id);
  if (connection) {
    const auto isolation = connection->values.find("isolation");
    const std::string how =
        isolation == connection->values.end() ? std::string() : isolation->second;
    more["isolation"] = how.empty() ? json::value(nullptr) : json::value(how);
    if (how == "shared")
      more["note"] =
          "It shares its session with the program that it comes from: whichever refreshes the "
          "token signs the other out. Isolate it, or stop using it there.";
    if (!account.active) {
      StateRecord state;
      state.state = AccountState::Disabled;
      state.reason = "It was switched off in the program that it comes from.";
      state.since_ms = context.deps.clock.nowMs();
      more["disabled"] = context.deps.accounts.setState(*id, state).has_value();
    }
  }
  const std::string name = connection ? connection->name : shown;
  auditTransfer(context, request, "connection.imported", *id, account.provider + "/" + name,
                {{"from", kind}});
  report.imported(name, *id, std::move(more));
}

json::object importAll(TransferContext& context, const Request& request, const char* kind,
                       const std::vector<ForeignAccount>& accounts, const Options& options,
                       const CancelToken& cancel) {
  ImportReport report;
  for (const ForeignAccount& account : accounts) {
    if (cancel.cancelled())
      report.refused(account.name, "The caller went away before its turn came.");
    else
      importOne(context, request, kind, account, options, cancel, report);
  }
  return std::move(report).answer();
}

void importList(TransferContext& context, const Request& request, ResponseWriter& writer) {
  auto options = readOptions(context, request);
  if (!options) return sendError(writer, options.error());
  auto accounts = readAccountList(request.body);
  if (!accounts) return sendError(writer, accounts.error());
  sendJson(writer, 200,
           importAll(context, request, "accounts", *accounts, *options, writer.cancel()));
}

// Opens the three tokens of each row; one that cannot be read makes its account a refusal.
Result<std::vector<ForeignAccount>> readRows(TransferContext& context,
                                             std::vector<ForeignRow>& rows,
                                             std::string_view storage_key) {
  std::vector<std::string> fields;
  for (const ForeignRow& row : rows)
    fields.insert(fields.end(), {row.access_token, row.refresh_token, row.api_key});
  auto opened = context.deps.fields.open(fields, storage_key);
  if (!opened) return std::unexpected(std::move(opened.error()));
  std::vector<ForeignAccount> out;
  for (size_t i = 0; i < rows.size(); ++i) {
    std::string problem;
    std::string* const places[] = {&rows[i].access_token, &rows[i].refresh_token, &rows[i].api_key};
    for (size_t k = 0; k < 3; ++k) {
      Result<std::string>& field = (*opened)[3 * i + k];
      if (field)
        *places[k] = std::move(*field);
      else if (k == 0)
        places[k]->clear();  // an account can do without its access token
      else
        problem = field.error().message;
    }
    out.push_back(fromRow(rows[i]));
    if (!problem.empty()) out.back().refusal = problem;
  }
  return out;
}

void importDatabase(TransferContext& context, const Request& request, ResponseWriter& writer,
                    const char* kind) {
  const auto fail = [&](const Error& error) { sendError(writer, error); };
  // A browser may send other types across origins without asking first.
  const std::string type = request.header ? request.header("content-type") : std::string();
  if (!type.starts_with("application/octet-stream") && !type.starts_with("application/vnd.sqlite3"))
    return fail(makeError(FailureKind::UnsupportedMediaType,
                          "Send the bytes of the database with the header \"Content-Type: "
                          "application/octet-stream\".")
                    .error());
  auto options = readOptions(context, request);
  if (!options) return fail(options.error());
  auto rows = context.deps.databases.read(request.body);
  if (!rows) return fail(rows.error());
  if (rows->size() > kMaxForeignAccounts)
    return fail(
        makeError(FailureKind::BadRequest,
                  fmt::format("The database has more than {} accounts.", kMaxForeignAccounts),
                  "body")
            .error());
  auto accounts = readRows(context, *rows, request.header("x-omniroute-storage-key"));
  if (!accounts) return fail(accounts.error());
  sendJson(writer, 200, importAll(context, request, kind, *accounts, *options, writer.cancel()));
}

void add(http::RouteTable& table, const TransferContextPtr& context, const char* pattern,
         size_t max_body, bool json,
         void (*handle)(TransferContext&, const Request&, ResponseWriter&)) {
  http::Route route;
  route.method = "POST";
  route.pattern = pattern;
  route.max_body = max_body;
  route.needs_json = json;
  route.handler = guarded([context, handle](const Request& request, ResponseWriter& writer) {
    handle(*context, request, writer);
  });
  table.push_back(std::move(route));
}

}  // namespace

void addForeignImportRoutes(http::RouteTable& table, const TransferContextPtr& context) {
  add(table, context, "/api/import/accounts", kMaxList, true, importList);
  add(table, context, "/api/import/omniroute", kMaxDatabase, false,
      [](TransferContext& c, const Request& r, ResponseWriter& w) {
        importDatabase(c, r, w, "omniroute");
      });
  add(table, context, "/api/import/9router", kMaxDatabase, false,
      [](TransferContext& c, const Request& r, ResponseWriter& w) {
        // Older versions keep a JSON file.
        const std::string type = r.header ? r.header("content-type") : std::string();
        if (type.starts_with("application/json"))
          importList(c, r, w);
        else
          importDatabase(c, r, w, "9router");
      });
}

}  // namespace omni::admin
