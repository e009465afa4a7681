#include "cli/parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace omni::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

Parsed good(const std::vector<std::string>& arguments) {
  const auto parsed = parse(arguments);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error());
  return parsed.value_or(Parsed());
}
std::string bad(const std::vector<std::string>& arguments) {
  const auto parsed = parse(arguments);
  EXPECT_FALSE(parsed);
  return parsed ? "" : parsed.error();
}

TEST(Parser, CommandsArgumentsAndOptionsInAnyOrder) {
  auto parsed = good({"providers", "rename", "a", "b", "--json"});
  EXPECT_EQ(parsed.command->path, "providers rename");
  EXPECT_EQ(parsed.invocation.arguments, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(parsed.invocation.has("json"));
  parsed =
      good({"--url", "http://h:1", "combos", "create", "--strategy=round-robin", "n", "t1", "t2"});
  EXPECT_EQ(parsed.command->path, "combos create");
  EXPECT_EQ(parsed.invocation.get("strategy"), "round-robin");
  EXPECT_EQ(parsed.invocation.get("url"), "http://h:1");
  EXPECT_EQ(parsed.invocation.arguments.size(), 3u);
  parsed = good(
      {"login", "--name", "work", "kiro", "--idc", "--start-url", "https://d-1.awsapps.com/start"});
  EXPECT_EQ(parsed.command->path, "login kiro");
  EXPECT_EQ(parsed.invocation.get("name"), "work");
  EXPECT_TRUE(parsed.invocation.arguments.empty());
  EXPECT_EQ(good({"login", "kiro", "--replace", "kiro-dev"}).invocation.get("replace"), "kiro-dev")
      << "what completes is no list of all that is allowed";
}

TEST(Parser, ShortOptionsAndTheEndOfOptions) {
  auto parsed = good({"chat", "-m", "my-kiro", "hello", "world"});
  EXPECT_EQ(parsed.invocation.get("model"), "my-kiro");
  EXPECT_EQ(parsed.invocation.arguments.size(), 2u);
  EXPECT_EQ(good({"chat", "-mx", "y"}).invocation.get("model"), "x");
  EXPECT_TRUE(good({"logs", "-f"}).invocation.has("follow"));
  EXPECT_EQ(good({"chat", "--", "--model", "is what?"}).invocation.arguments[0], "--model");
  EXPECT_EQ(good({"providers", "remove", "providers"}).invocation.arguments[0], "providers");
}

TEST(Parser, NamesTheNearestCommand) {
  EXPECT_THAT(bad({"statsu"}), HasSubstr("did you mean \"omniroute status\"?"));
  EXPECT_THAT(bad({"providers", "lst"}), HasSubstr("did you mean \"omniroute providers list\"?"));
  EXPECT_THAT(bad({"qqqqqq"}), HasSubstr("omniroute help"));
  EXPECT_THAT(bad({"status", "--jsn"}), HasSubstr("did you mean --json?"));
  EXPECT_THAT(bad({"setup", "codex", "--moddel", "x"}), HasSubstr("--model"));
}

TEST(Parser, SecretsAreNoArgumentsAndAreNotRepeated) {
  const std::string message = bad({"login", "kiro", "--token=aorAAAAAGsecret"});
  EXPECT_THAT(message, HasSubstr("standard input"));
  EXPECT_THAT(message, Not(HasSubstr("aorAAAAAG")));
}

TEST(Parser, CountsArguments) {
  EXPECT_THAT(bad({"providers", "rename", "a"}), HasSubstr("<name> is missing"));
  EXPECT_THAT(bad({"providers", "show"}), HasSubstr("<account> is missing"));
  EXPECT_THAT(bad({"status", "x"}), HasSubstr("too many"));
  EXPECT_THAT(bad({"combos", "create", "n"}), HasSubstr("<target...> is missing"));
  EXPECT_THAT(bad({"logs", "--limit"}), HasSubstr("needs a value"));
  EXPECT_THAT(bad({"status", "--json=1"}), HasSubstr("takes no value"));
}

TEST(Parser, Help) {
  EXPECT_TRUE(good({}).help);
  EXPECT_TRUE(good({"--version"}).version);
  EXPECT_EQ(good({"providers"}).group, "providers");
  EXPECT_EQ(good({"help", "providers", "list"}).command->path, "providers list");
  EXPECT_EQ(good({"help", "exit-codes"}).group, "exit-codes");
  EXPECT_EQ(good({"chat", "--help"}).command->path, "chat");
  EXPECT_THAT(bad({"help", "statsu"}), HasSubstr("status"));
}

TEST(CommandTable, IsWhole) {
  std::set<std::string_view> seen;
  for (const Command& command : commandTable()) {
    EXPECT_TRUE(seen.insert(command.path).second) << command.path;
    EXPECT_NE(command.run, nullptr) << command.path;
    EXPECT_TRUE(command.summary.ends_with('.')) << command.path;
    for (const Option& option : command.options) {
      EXPECT_FALSE(option.help.empty()) << command.path << " --" << option.name;
      for (const Option& global : globalOptions())
        EXPECT_NE(global.name, option.name) << command.path;
    }
    for (std::string_view example : command.examples)
      EXPECT_TRUE(example.starts_with("omniroute ")) << example;
  }
}

TEST(CommandTable, EveryExampleParses) {
  for (const Command& command : commandTable())
    for (std::string_view example : command.examples) {
      std::vector<std::string> arguments;
      for (const std::string& word : words(example.substr(0, example.find_first_of("<>|"))))
        arguments.push_back(word);
      arguments.erase(arguments.begin());
      const auto parsed = parse(arguments);
      ASSERT_TRUE(parsed) << example << ": " << parsed.error();
      EXPECT_EQ(parsed->command->path, command.path) << example;
    }
}

}  // namespace
}  // namespace omni::cli
