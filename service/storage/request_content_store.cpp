#include "service/storage/request_content_store.hpp"

#include <Poco/Data/Statement.h>
#include <fmt/format.h>

#include <utility>

namespace omni::storage {
namespace {

using Poco::Data::Session;
using Poco::Data::Keywords::bind;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::now;

// Large rows, overwritten as they go: few at a time, so that other writes get their turn.
constexpr int kDeletedAtOnce = 200;

std::string contextOf(const RequestEntry& entry, const char* part) {
  return fmt::format("request_contents/{}/{}", entry.request_id, part);
}

}  // namespace

Result<std::vector<SealedContent>> sealContents(Sealer& sealer,
                                                const std::vector<RequestEntry>& entries) {
  std::vector<SealedContent> out;
  for (size_t i = 0; i < entries.size(); ++i) {
    const RequestEntry& entry = entries[i];
    if (!entry.content) continue;
    auto request = sealer.seal(entry.content->request, contextOf(entry, "request"));
    if (!request) return std::unexpected(std::move(request.error()));
    auto answer = sealer.seal(entry.content->answer, contextOf(entry, "answer"));
    if (!answer) return std::unexpected(std::move(answer.error()));
    out.push_back({i, std::move(*request), std::move(*answer)});
  }
  return out;
}

void insertContents(Session& session, const std::vector<SealedContent>& sealed,
                    const std::vector<RequestEntry>& entries, int64_t first_id) {
  for (const SealedContent& one : sealed) {
    const RequestEntry& entry = entries[one.index];
    session << "INSERT INTO request_contents(id, at_ms, request_bytes, answer_bytes, request,"
               " answer) VALUES(?,?,?,?,?,?)",
        bind(Poco::Int64(first_id + static_cast<int64_t>(one.index))),
        bind(Poco::Int64(entry.at_ms)), bind(Poco::Int64(entry.content->request_bytes)),
        bind(Poco::Int64(entry.content->answer_bytes)), bind(one.request), bind(one.answer), now;
  }
}

Result<std::optional<RequestContent>> readContent(Session& session, Sealer& sealer,
                                                  const RequestEntry& entry) {
  std::vector<std::string> requests, answers;
  std::vector<Poco::Int64> request_bytes, answer_bytes;
  session << "SELECT request, answer, request_bytes, answer_bytes FROM request_contents WHERE id=?",
      into(requests), into(answers), into(request_bytes), into(answer_bytes),
      bind(Poco::Int64(entry.id)), now;
  if (requests.empty()) return std::optional<RequestContent>();
  auto request = sealer.open(requests.front(), contextOf(entry, "request"));
  if (!request) return std::unexpected(std::move(request.error()));
  auto answer = sealer.open(answers.front(), contextOf(entry, "answer"));
  if (!answer) return std::unexpected(std::move(answer.error()));
  return RequestContent{.request = std::move(*request),
                        .answer = std::move(*answer),
                        .request_bytes = request_bytes.front(),
                        .answer_bytes = answer_bytes.front()};
}

bool deleteContents(Session& session, int64_t cutoff_ms, int64_t rows) {
  // The id of the newest row that is too many. Ids may have gaps: not every request has content.
  Poco::Int64 last = 0;
  session << "SELECT COALESCE((SELECT id FROM request_contents ORDER BY id DESC LIMIT 1 OFFSET ?),"
             " 0)",
      into(last), bind(Poco::Int64(rows)), now;
  int deleted = 0;
  session << "DELETE FROM request_contents WHERE id IN (SELECT id FROM request_contents WHERE"
             " id<=? OR at_ms<? ORDER BY id LIMIT ?)",
      bind(last), bind(Poco::Int64(cutoff_ms)), bind(kDeletedAtOnce), now;
  session << "SELECT changes()", into(deleted), now;
  return deleted == kDeletedAtOnce;
}

}  // namespace omni::storage
