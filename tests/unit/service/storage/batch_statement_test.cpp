#include "service/storage/batch_statement.hpp"

#include <Poco/Data/SQLite/SQLiteException.h>
#include <Poco/Data/Statement.h>

#include "service/storage/database.hpp"
#include "tests/unit/service/storage/store_fixture.hpp"

namespace omni::storage {
namespace {

using Poco::Data::Keywords::into;
using Poco::Data::Keywords::now;

class BatchStatementTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    session_.emplace(openSession(path_));
    run(*session_, "CREATE TABLE rows(name TEXT NOT NULL UNIQUE, size INTEGER, share REAL)");
  }
  void TearDown() override {
    session_.reset();
    StoreTest::TearDown();
  }
  std::string all() {
    std::string out;
    *session_ << "SELECT COALESCE(group_concat(quote(name)||' '||size||' '||share, ', '), '') FROM"
                 " rows",
        into(out), now;
    return out;
  }
  std::optional<Poco::Data::Session> session_;
};

constexpr std::string_view kInsert = "INSERT INTO rows VALUES(?,?,?)";

TEST_F(BatchStatementTest, WritesRowAfterRow) {
  BatchStatement row(*session_, kInsert);
  row.text("a").number(-1).real(0.5).execute();
  row.text("b").number(int64_t{1} << 60).real(-2).execute();
  EXPECT_EQ(all(), "'a' -1 0.5, 'b' 1152921504606846976 -2.0");
}

TEST_F(BatchStatementTest, AnEmptyTextIsNotNull) {
  BatchStatement(*session_, kInsert).text({}).number(0).real(0).execute();
  EXPECT_EQ(all(), "'' 0 0.0");
}

TEST_F(BatchStatementTest, ANulCutsNothing) {
  using std::string_view_literals::operator""sv;
  BatchStatement row(*session_, kInsert);
  row.text("before\0after"sv).number(1).real(1).execute();
  row.text("\0"sv).number(2).real(2).execute();
  EXPECT_EQ(all(), "'beforeafter' 1 1.0, '' 2 2.0");
}

TEST_F(BatchStatementTest, AFailureIsPocosAndTheNextRowStartsAnew) {
  BatchStatement row(*session_, kInsert);
  row.text("a").number(1).real(1).execute();
  EXPECT_THROW(row.text("a").number(2).real(2).execute(),
               Poco::Data::SQLite::ConstraintViolationException);
  row.text("b").number(3).real(3).execute();
  EXPECT_EQ(all(), "'a' 1 1.0, 'b' 3 3.0");
}

TEST_F(BatchStatementTest, AStatementThatIsNoneIsRefused) {
  EXPECT_THROW(BatchStatement(*session_, "INSERT INTO nowhere VALUES(?)"), Poco::Exception);
  BatchStatement row(*session_, "INSERT INTO rows VALUES(?, 1, 1)");
  row.text("a");
  EXPECT_THROW(row.text("one too many"), Poco::Exception);
}

}  // namespace
}  // namespace omni::storage
