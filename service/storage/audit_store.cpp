#include "service/storage/audit_store.hpp"

#include <Poco/Data/Statement.h>

#include <algorithm>
#include <boost/json.hpp>

namespace omni::storage {
namespace {

namespace json = boost::json;
using Poco::Data::Session;
using Poco::Data::Statement;
using Poco::Data::Keywords::bind;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::now;

constexpr int64_t kDayMs = 86'400'000;
constexpr int kLargestPage = 1000;
constexpr Poco::Int64 kTrimEvery = 1000;

// SQLite's text functions stop at a NUL; a name from outside must not cut the entry.
std::string clean(std::string text) {
  std::erase(text, '\0');
  return text;
}

void insert(Session& session, const AuditEntry& entry, int64_t kept) {
  session << "INSERT INTO audit(at_ms, actor, action, subject, subject_id, subject_name, detail)"
             " VALUES(?,?,?,?,?,?,?)",
      bind(Poco::Int64(entry.at_ms)), bind(clean(entry.actor)), bind(clean(entry.action)),
      bind(clean(entry.subject)), bind(clean(entry.subject_id)), bind(clean(entry.subject_name)),
      bind(entry.detail.empty() ? std::string("{}") : clean(entry.detail)), now;
  Poco::Int64 newest = 0;
  session << "SELECT last_insert_rowid()", into(newest), now;
  if (newest % kTrimEvery == 0)
    session << "DELETE FROM audit WHERE id<=?", bind(newest - Poco::Int64(kept)), now;
}

// Adds one to the entry's count; a detail that is no object starts anew.
std::string counted(const std::string& detail, const AuditEntry& entry) {
  boost::system::error_code failed;
  json::value parsed = json::parse(detail, failed);
  json::object object = failed || !parsed.is_object() ? json::object{} : parsed.get_object();
  int64_t count = 1;
  if (const json::value* old = object.if_contains("count"); old && old->is_int64())
    count = std::max<int64_t>(old->get_int64(), 1);
  if (!entry.detail.empty()) {
    json::value newer = json::parse(entry.detail, failed);
    if (!failed && newer.is_object()) object = std::move(newer.get_object());
  }
  object["count"] = count + 1;
  object["until"] = entry.at_ms;
  return json::serialize(object);
}

}  // namespace

Result<> AuditStore::record(const AuditEntry& entry) {
  return sessions_->write([&](Session& session) -> Result<> {
    insert(session, entry, kept_);
    return {};
  });
}

Result<> AuditStore::recordRepeated(const AuditEntry& entry) {
  return sessions_->write([&](Session& session) -> Result<> {
    Poco::Int64 id = 0, at = 0;
    std::string actor, action, detail;
    Statement newest(session);
    newest << "SELECT id, at_ms, actor, action, detail FROM audit WHERE subject_id=?"
              " ORDER BY id DESC LIMIT 1",
        into(id), into(at), into(actor), into(action), into(detail), bind(clean(entry.subject_id));
    if (newest.execute() > 0 && actor == entry.actor && action == entry.action &&
        at / kDayMs == entry.at_ms / kDayMs) {
      session << "UPDATE audit SET detail=?, subject_name=? WHERE id=?",
          bind(clean(counted(detail, entry))), bind(clean(entry.subject_name)), bind(id), now;
      return {};
    }
    insert(session, entry, kept_);
    return {};
  });
}

Result<std::vector<AuditEntry>> AuditStore::list(std::string_view subject_id, int64_t before_id,
                                                 int limit) {
  return sessions_->read([&](Session& session) -> Result<std::vector<AuditEntry>> {
    std::vector<Poco::Int64> ids, times;
    std::vector<std::string> actors, actions, subjects, subject_ids, names, details;
    const Poco::Int64 before = before_id > 0 ? before_id : std::numeric_limits<int64_t>::max();
    const int most = std::clamp(limit, 1, kLargestPage);
    Statement rows(session);
    rows << "SELECT id, at_ms, actor, action, subject, subject_id, subject_name, detail FROM audit"
            " WHERE id<?"
         << (subject_id.empty() ? "" : " AND subject_id=?") << " ORDER BY id DESC LIMIT ?",
        into(ids), into(times), into(actors), into(actions), into(subjects), into(subject_ids),
        into(names), into(details), bind(before);
    if (!subject_id.empty()) rows, bind(std::string(subject_id));
    rows, bind(most);
    rows.execute();
    std::vector<AuditEntry> out(ids.size());
    for (size_t i = 0; i < ids.size(); ++i)
      out[i] = {ids[i],      times[i],       actors[i], actions[i],
                subjects[i], subject_ids[i], names[i],  details[i]};
    return out;
  });
}

}  // namespace omni::storage
