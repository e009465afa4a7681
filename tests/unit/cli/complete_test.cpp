#include "cli/complete.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace omni::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsSupersetOf;
using testing::Not;

std::vector<std::string> after(const std::vector<std::string>& typed) {
  std::vector<std::string> values;
  for (const Candidate& one : complete(typed, [](std::string_view what) {
         return what == "@accounts" ? std::vector<std::string>{"kiro-dev", "kiro-pro"}
                                    : std::vector<std::string>{"my-kiro"};
       }))
    values.push_back(one.value);
  return values;
}

TEST(Complete, Commands) {
  EXPECT_THAT(after({""}), IsSupersetOf({"status", "providers", "help"}));
  EXPECT_THAT(after({"stat"}), ElementsAre("status"));
  EXPECT_THAT(after({"providers", "re"}), ElementsAre("rename", "refresh", "remove"));
  EXPECT_THAT(after({"help", "prov"}), ElementsAre("providers"));
  EXPECT_THAT(after({"--url", "http://x", "sta"}), ElementsAre("status"));
}

TEST(Complete, Options) {
  EXPECT_THAT(after({"login", "kiro", "--st"}), ElementsAre("--start-url"));
  EXPECT_THAT(after({"status", "--"}), IsSupersetOf({"--json", "--url", "--help"}));
  EXPECT_THAT(after({"status", "--"}), Not(Contains("--start-url")));
}

TEST(Complete, WhatTheServiceKnows) {
  EXPECT_THAT(after({"providers", "show", "kiro-d"}), ElementsAre("kiro-dev"));
  EXPECT_THAT(after({"chat", "-m", ""}), ElementsAre("my-kiro"));
  EXPECT_THAT(after({"login", "kiro", "--replace", ""}), ElementsAre("kiro-dev", "kiro-pro"));
  EXPECT_THAT(after({"combos", "edit", "my-kiro", "--pin", ""}), ElementsAre("strict", "soft"));
  EXPECT_THAT(after({"combos", "edit", "my-kiro", "--we"}), ElementsAre("--weights"));
  EXPECT_THAT(after({"setup", "c"}), ElementsAre("claude-code", "codex", "cline", "continue"));
  EXPECT_THAT(after({"completion", "\"\""}), ElementsAre("bash", "zsh", "fish", "powershell"));
}

}  // namespace
}  // namespace omni::cli
