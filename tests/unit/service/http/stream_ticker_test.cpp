#include "service/http/stream_ticker.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace omni::http {
namespace {

template <typename Done>
bool eventually(Done&& done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  return done();
}

struct Counted final : Ticked {
  std::atomic<int> ticks = 0;
  void tick() override { ++ticks; }
};

TEST(StreamTicker, AStreamWakesItFromItsSleep) {
  StreamTicker ticker(20, {}, 1);
  ticker.start();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(eventually([&] { return ticker.asleep(); }));
    Counted stream;
    ticker.add(&stream);
    EXPECT_TRUE(eventually([&] { return stream.ticks > 0; }));
    ticker.remove(&stream);
    const int ticks = stream.ticks;
    ticker.tickAll();
    EXPECT_EQ(stream.ticks, ticks) << "it is gone";
  }
}

TEST(StreamTicker, BetweenShortStreamsItStaysAwake) {
  StreamTicker ticker(20, {}, 1'000'000);
  ticker.start();
  for (int i = 0; i < 3; ++i) {
    Counted stream;
    ticker.add(&stream);
    EXPECT_TRUE(eventually([&] { return stream.ticks > 0; }));
    ticker.remove(&stream);
    EXPECT_FALSE(ticker.asleep());
  }
}

}  // namespace
}  // namespace omni::http
