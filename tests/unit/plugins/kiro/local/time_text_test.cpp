#include "plugins/kiro/local/time_text.hpp"

#include <gtest/gtest.h>

#include <boost/json/value.hpp>

namespace omni::kiro::local {
namespace {

constexpr int64_t kNoon = 1'764'072'000'000;  // 2025-11-25T12:00:00Z

TEST(TimeText, ReadsEveryFormThatToolsWrite) {
  EXPECT_EQ(timeMs("2025-11-25T12:00:00Z"), kNoon);
  EXPECT_EQ(timeMs("2025-11-25T12:00:00.123Z"), kNoon + 123);
  EXPECT_EQ(timeMs("2025-11-25T12:00:00.123456789Z"), kNoon + 123);
  EXPECT_EQ(timeMs("2025-11-25T12:00:00.5Z"), kNoon + 500);
  EXPECT_EQ(timeMs("2025-11-25T14:00:00+02:00"), kNoon);
  EXPECT_EQ(timeMs("2025-11-25T06:30:00-0530"), kNoon);
  EXPECT_EQ(timeMs("2025-11-25 12:00:00"), kNoon);
  EXPECT_EQ(timeMs("2025-11-25T12:00Z"), kNoon);
  EXPECT_EQ(timeMs("\"2025-11-25T12:00:00Z\""), kNoon);
  EXPECT_EQ(timeMs("1764072000"), kNoon);
  EXPECT_EQ(timeMs("1764072000000"), kNoon);
}

TEST(TimeText, ReadsNumbersBySize) {
  const boost::json::value seconds(1'764'072'000), fraction(1'764'072'000.25), ms(kNoon),
      micro(kNoon * 1000);
  EXPECT_EQ(timeMs(&seconds), kNoon);
  EXPECT_EQ(timeMs(&fraction), kNoon + 250);
  EXPECT_EQ(timeMs(&ms), kNoon);
  EXPECT_EQ(timeMs(&micro), kNoon);
}

TEST(TimeText, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "soon", "2025-13-01T00:00:00Z", "2025-02-30T00:00:00Z", "2025-11-25",
        "2025-11-25T12:61:00Z", "2025-11-25T12:00:00Zzz", "2025-11-25T12:00:00.Z",
        "2025-11-25T12:00:00.1234567890Z", "-5", "nan", "inf", "2025-11-25T12:00:00+99:00"})
    EXPECT_EQ(timeMs(text), 0) << text;
  EXPECT_EQ(timeMs(static_cast<const boost::json::value*>(nullptr)), 0);
  const boost::json::value none(nullptr);
  EXPECT_EQ(timeMs(&none), 0);
}

}  // namespace
}  // namespace omni::kiro::local
