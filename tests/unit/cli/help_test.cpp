#include "cli/help.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "cli/text.hpp"

namespace omni::cli {
namespace {

using testing::HasSubstr;

TEST(Help, FitsAtEveryWidth) {
  for (size_t width : {100, 80, 40}) {
    std::string all = helpOverview("", width) + helpOverview("providers", width);
    std::istringstream in(all);
    for (std::string line; std::getline(in, line);)
      EXPECT_LE(displayWidth(line), std::max<size_t>(width, 44)) << line;
  }
}

TEST(Help, ShowsEveryCommandOrItsGroup) {
  const std::string all = helpOverview("", 80);
  for (const Command& command : commandTable()) EXPECT_THAT(all, HasSubstr(words(command.path)[0]));
  EXPECT_THAT(helpOverview("combos", 80), HasSubstr("combos explain <combo>"));
  EXPECT_THAT(helpOverview("exit-codes", 80), HasSubstr("130"));
}

TEST(Help, OfACommandHasItsOptionsAndExamples) {
  for (const Command& command : commandTable()) {
    const std::string help = helpFor(command, 80);
    for (const Option& option : command.options)
      EXPECT_THAT(help, HasSubstr("--" + std::string(option.name)));
    for (std::string_view example : command.examples)
      EXPECT_THAT(help, HasSubstr(std::string(example)));
  }
}

TEST(Completions, ForFourShells) {
  for (const char* shell : {"bash", "zsh", "fish", "powershell"}) {
    const std::string script = completionScript(shell);
    EXPECT_THAT(script, HasSubstr("__complete"));
    for (const Command& command : commandTable())
      EXPECT_THAT(script, HasSubstr(std::string(command.path)));
  }
  EXPECT_EQ(completionScript("tcsh"), "");
}

TEST(Man, HasEverythingAndEscapes) {
  const std::string page = manPage();
  EXPECT_TRUE(page.starts_with(".TH OMNIROUTE 1"));
  for (const Command& command : commandTable())
    EXPECT_THAT(page, HasSubstr(".SS \"omniroute " + std::string(command.path).substr(0, 6)));
  for (const ExitCode& code : exitCodes())
    EXPECT_THAT(page, HasSubstr(".B " + std::to_string(code.code)));
  EXPECT_THAT(page, HasSubstr("\\-\\-start\\-url"));
}

}  // namespace
}  // namespace omni::cli
