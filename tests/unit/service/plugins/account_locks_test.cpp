#include "service/plugins/account_locks.hpp"

#include <gtest/gtest.h>

#include <future>

namespace omni::plugins {
namespace {

class Cancelled final : public CancelToken {
 public:
  bool cancelled() const override { return true; }
};

TEST(AccountLocks, WaitsForTheHolderAndKnowsCancel) {
  AccountLocks locks;
  ASSERT_TRUE(locks.acquire("a", NeverCancelled()));
  EXPECT_TRUE(locks.acquire("b", NeverCancelled()));
  const auto cancelled = locks.acquire("a", Cancelled());
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().kind, FailureKind::Cancelled);
  auto waiting =
      std::async(std::launch::async, [&] { return locks.acquire("a", NeverCancelled()); });
  locks.release("a");
  EXPECT_TRUE(waiting.get());
}

}  // namespace
}  // namespace omni::plugins
