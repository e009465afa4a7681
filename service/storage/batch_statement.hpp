#pragma once
// One INSERT or UPDATE executed for many rows, prepared once and bound without copies. For writes
// whose number of rows grows with the traffic; all else goes through Poco::Data, which prepares a
// statement anew for each execution and copies what it binds.

#include <Poco/Data/Session.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace omni::storage {

// Used by one thread, within the life of its session. Every failure is thrown as the
// Poco::Exception that Poco::Data would throw for it.
class BatchStatement {
 public:
  BatchStatement(Poco::Data::Session& session, std::string_view sql);
  ~BatchStatement();
  BatchStatement(const BatchStatement&) = delete;
  BatchStatement& operator=(const BatchStatement&) = delete;

  // The parameters of a row, in their order. A text must live until execute(). Its NULs are left
  // out: SQLite's text functions stop at one, and a client's text must not cut a row.
  BatchStatement& text(std::string_view value);
  BatchStatement& number(int64_t value);
  BatchStatement& real(double value);
  void execute();  // the row; the parameters begin anew

 private:
  void check(int code) const;

  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement_;
  int bound_ = 0;
  std::deque<std::string> cleaned_;  // texts that had a NUL; a deque never moves its elements
};

}  // namespace omni::storage
