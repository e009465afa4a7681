#include "core/base/trace_context.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace omni {
namespace {

constexpr std::string_view kGood = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContext, ReadsAndPassesOn) {
  const auto trace = TraceContext::parse(kGood);
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->header("1111111111111111"),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01");
  EXPECT_TRUE(TraceContext::parse("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"));
}

TEST(TraceContext, RefusesWhatIsNone) {
  for (const std::string_view text :
       {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01"})
    EXPECT_FALSE(TraceContext::parse(text)) << text;
}

TEST(TraceScope, BelongsToItsThreadAndNests) {
  EXPECT_EQ(TraceScope::requestId(), "");
  EXPECT_EQ(TraceScope::trace(), nullptr);
  {
    const TraceScope outer("outer", TraceContext::parse(kGood));
    EXPECT_EQ(TraceScope::requestId(), "outer");
    ASSERT_NE(TraceScope::trace(), nullptr);
    std::thread([] { EXPECT_EQ(TraceScope::requestId(), ""); }).join();
    {
      const TraceScope inner("inner", std::nullopt);
      EXPECT_EQ(TraceScope::requestId(), "inner");
      EXPECT_EQ(TraceScope::trace(), nullptr);
    }
    EXPECT_EQ(TraceScope::requestId(), "outer");
  }
  EXPECT_EQ(TraceScope::requestId(), "");
}

}  // namespace
}  // namespace omni
