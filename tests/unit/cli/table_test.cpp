#include "cli/table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/text.hpp"

namespace omni::cli {
namespace {

Table accounts() {
  Table table({"Name", "State", "Reason"});
  table.add({"kiro-dev", "active", ""});
  table.add(
      {"日本のアカウント", "exhausted", "MONTHLY_REQUEST_COUNT until the first of next month"});
  return table;
}

size_t widest(const std::string& text) {
  size_t most = 0;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) most = std::max(most, displayWidth(line));
  return most;
}

TEST(Table, AlignsByColumnsNotBytes) {
  const std::string out = accounts().render(0);
  EXPECT_EQ(out.substr(0, out.find('\n')), "Name              State      Reason");
  EXPECT_THAT(out, testing::HasSubstr("kiro-dev          active\n"));
  EXPECT_THAT(
      out, testing::HasSubstr(
               "日本のアカウント  exhausted  MONTHLY_REQUEST_COUNT until the first of next month"));
}

TEST(Table, FitsTheTerminalAtEveryWidth) {
  for (size_t width : {200, 80, 60, 50, 40, 30, 24})
    EXPECT_LE(widest(accounts().render(width)), width) << width;
}

TEST(Table, AVeryNarrowOneBecomesCards) {
  const std::string out = accounts().render(28);
  EXPECT_THAT(out, testing::HasSubstr("Name    kiro-dev\nState   active\n"));
  EXPECT_THAT(out, testing::HasSubstr("MONTHLY_REQUEST_CO"))
      << "nothing is lost but the end of a word";
}

TEST(Table, CellsAreMadeSafeAndFilledUp) {
  Table table({"A", "B"});
  table.add({"x\x1b[2J"});
  EXPECT_EQ(table.render(0), "A      B\nx?[2J\n");
}

TEST(Table, StyleIsAroundTheHeaderOnly) {
  Table table({"A"});
  table.add({"x"});
  EXPECT_EQ(table.render(0, "<", ">"), "<A>\nx\n");
}

}  // namespace
}  // namespace omni::cli
