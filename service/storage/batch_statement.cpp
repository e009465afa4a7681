#include "service/storage/batch_statement.hpp"

#include <Poco/Data/SQLite/Utility.h>
#include <sqlite3.h>

namespace omni::storage {

using Poco::Data::SQLite::Utility;

BatchStatement::BatchStatement(Poco::Data::Session& session, std::string_view sql)
    : database_(Utility::dbHandle(session)), statement_(nullptr, &sqlite3_finalize) {
  sqlite3_stmt* prepared = nullptr;
  check(
      sqlite3_prepare_v2(database_, sql.data(), static_cast<int>(sql.size()), &prepared, nullptr));
  statement_.reset(prepared);
}

BatchStatement::~BatchStatement() = default;

BatchStatement& BatchStatement::text(std::string_view value) {
  if (value.find('\0') != std::string_view::npos) {
    std::erase(cleaned_.emplace_back(value), '\0');
    value = cleaned_.back();
  }
  // An empty view may point to nothing, which would bind NULL.
  check(sqlite3_bind_text64(statement_.get(), ++bound_, value.empty() ? "" : value.data(),
                            value.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

BatchStatement& BatchStatement::number(int64_t value) {
  check(sqlite3_bind_int64(statement_.get(), ++bound_, value));
  return *this;
}

BatchStatement& BatchStatement::real(double value) {
  check(sqlite3_bind_double(statement_.get(), ++bound_, value));
  return *this;
}

void BatchStatement::execute() {
  bound_ = 0;
  const int done = sqlite3_step(statement_.get());
  // Says the same failure once more, and more precisely.
  const int reset = sqlite3_reset(statement_.get());
  cleaned_.clear();
  if (done != SQLITE_DONE) check(reset == SQLITE_OK ? SQLITE_ERROR : reset);
}

void BatchStatement::check(int code) const {
  if (code != SQLITE_OK) Utility::throwException(database_, code);
}

}  // namespace omni::storage
