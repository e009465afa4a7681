#include "cli/qr.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "cli/text.hpp"

namespace omni::cli {
namespace {

TEST(Qr, IsSquareAndFits) {
  const std::string code =
      qrCode("https://view.awsapps.com/start/#/device?user_code=ABCD-EFGH", 80, false);
  if (code.empty()) GTEST_SKIP() << "built without libqrencode";
  size_t lines = 0, width = 0;
  std::istringstream in(code);
  for (std::string line; std::getline(in, line); ++lines) {
    if (width == 0) width = displayWidth(line);
    EXPECT_EQ(displayWidth(line), width);
  }
  EXPECT_EQ(lines, (width + 1) / 2) << "two rows a line";
  EXPECT_LE(width, 80u);
}

TEST(Qr, OneThatDoesNotFitIsLeftOut) {
  EXPECT_EQ(qrCode("https://view.awsapps.com/start/#/device?user_code=ABCD-EFGH", 20, false), "");
}

TEST(Qr, ColoursAreSetAndResetInEachLine) {
  const std::string code = qrCode("x", 80, true);
  if (code.empty()) GTEST_SKIP() << "built without libqrencode";
  std::istringstream in(code);
  for (std::string line; std::getline(in, line);) {
    EXPECT_TRUE(line.starts_with("\x1b[30;107m"));
    EXPECT_TRUE(line.ends_with("\x1b[0m"));
  }
}

}  // namespace
}  // namespace omni::cli
