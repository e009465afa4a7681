#include "service/admin/backup.hpp"

#include <boost/json/serialize.hpp>
#include <mutex>

#include "service/admin/json_body.hpp"
#include "service/admin/lookup.hpp"
#include "service/admin/reply.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;
using http::ResponseWriter;

// A backup of 256 MiB in base64, and its passphrase.
constexpr size_t kMaxUpload = 352u << 20;

struct BackupContext {
  BackupDeps deps;
  std::mutex one_at_a_time;  // each takes a copy of the database in memory

  void note(const Request& request, std::string action, const json::object& detail) {
    if (deps.audit == nullptr) return;
    AuditEntry entry;
    entry.at_ms = deps.clock.nowMs();
    entry.actor = actorOf(request);
    entry.action = std::move(action);
    entry.subject = "backup";
    entry.detail = json::serialize(detail);
    // What was done is done; a log that cannot be written must not make it look failed.
    (void)deps.audit->record(entry);
  }
};

json::object shown(const BackupSummary& summary) {
  json::object out{{"schema", summary.schema}, {"connections", summary.connections}};
  out["createdAt"] = isoTime(summary.created_ms);
  if (!summary.version.empty()) out["version"] = summary.version;
  return out;
}

void makeBackup(BackupContext& context, const Request& request, ResponseWriter& writer) {
  auto body = parseObject(request.body);
  if (!body) return sendError(writer, body.error());
  if (auto fine = refuseUnknown(*body, {"passphrase"}); !fine)
    return sendError(writer, fine.error());
  auto passphrase = stringMember(*body, "passphrase");
  if (!passphrase) return sendError(writer, passphrase.error());
  const std::lock_guard lock(context.one_at_a_time);
  auto backup = context.deps.backups.make(passphrase->value_or(""));
  if (!backup) return sendError(writer, backup.error());
  context.note(request, "backup.made", {{"bytes", backup->size()}});
  writer.setHeader("content-disposition", "attachment; filename=\"omniroute-backup.json\"");
  writer.setHeader("cache-control", "no-store");
  writer.json(200, *backup + "\n");
}

void stageRestore(BackupContext& context, const Request& request, ResponseWriter& writer) {
  auto body = parseObject(request.body);
  if (!body) return sendError(writer, body.error());
  if (auto fine = refuseUnknown(*body, {"passphrase", "backup"}); !fine)
    return sendError(writer, fine.error());
  auto passphrase = stringMember(*body, "passphrase");
  if (!passphrase) return sendError(writer, passphrase.error());
  const json::value* backup = body->if_contains("backup");
  if (backup == nullptr || (!backup->is_object() && !backup->is_string()))
    return sendError(writer,
                     makeError(FailureKind::BadRequest,
                               "\"backup\" must be what POST /api/backup answered.", "backup")
                         .error());
  const std::string envelope =
      backup->is_string() ? std::string(backup->as_string()) : json::serialize(*backup);
  const std::lock_guard lock(context.one_at_a_time);
  auto staged = context.deps.backups.stage(envelope, passphrase->value_or(""));
  if (!staged) return sendError(writer, staged.error());
  json::object answer{{"staged", true}, {"restartNeeded", true}, {"backup", shown(*staged)}};
  context.note(request, "restore.staged", shown(*staged));
  sendJson(writer, 202, answer);
}

void showRestore(BackupContext& context, ResponseWriter& writer) {
  const auto staged = context.deps.backups.staged();
  json::object answer{{"staged", staged.has_value()}};
  if (staged) answer["backup"] = shown(*staged);
  sendJson(writer, 200, answer);
}

void forgetRestore(BackupContext& context, const Request& request, ResponseWriter& writer) {
  const std::lock_guard lock(context.one_at_a_time);
  if (auto gone = context.deps.backups.unstage(); !gone) return sendError(writer, gone.error());
  context.note(request, "restore.cancelled", {});
  sendJson(writer, 200, json::object{{"staged", false}});
}

}  // namespace

void addBackupRoutes(http::RouteTable& table, BackupDeps deps) {
  const auto context = std::make_shared<BackupContext>(deps);
  const auto add = [&](const char* method, const char* pattern, size_t max_body, auto handler) {
    http::Route route;
    route.method = method;
    route.pattern = pattern;
    route.needs_json = max_body != 0;
    if (max_body != 0) route.max_body = max_body;
    route.handler = std::move(handler);
    table.push_back(std::move(route));
  };
  add("POST", "/api/backup", size_t{1} << 16,
      guarded([context](const Request& request, ResponseWriter& writer) {
        makeBackup(*context, request, writer);
      }));
  add("POST", "/api/restore", kMaxUpload,
      guarded([context](const Request& request, ResponseWriter& writer) {
        stageRestore(*context, request, writer);
      }));
  add("GET", "/api/restore", 0, guarded([context](const Request&, ResponseWriter& writer) {
        showRestore(*context, writer);
      }));
  add("DELETE", "/api/restore", 0,
      guarded([context](const Request& request, ResponseWriter& writer) {
        forgetRestore(*context, request, writer);
      }));
}

}  // namespace omni::admin
