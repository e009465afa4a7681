#include "service/telemetry/log.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>

namespace omni::telemetry {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using ::testing::HasSubstr;

class FixedClock final : public Clock {
 public:
  int64_t nowMs() const override { return 1'769'903'999'123; }
  int64_t steadyMs() const override { return 0; }
};

class LoggerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "omni-log-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    path_ = directory_ / "log";
  }
  void TearDown() override { fs::remove_all(directory_); }

  Logger::Options options() const { return {.path = path_, .clock = &clock_}; }
  static std::string textOf(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static std::vector<json::object> linesOf(const std::string& text) {
    std::vector<json::object> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line).as_object());
    return lines;
  }

  FixedClock clock_;
  fs::path directory_;
  fs::path path_;
};

TEST_F(LoggerTest, ALineIsOneJsonObject) {
  Logger log(options());
  log.log(Level::Info, "ready",
          {{"port", 20128},
           {"size", std::numeric_limits<uint64_t>::max()},
           {"ok", true},
           {"ratio", 0.5},
           {"none", std::numeric_limits<double>::quiet_NaN()},
           {"name", "kiro"}});
  log.flush();
  EXPECT_EQ(textOf(path_),
            R"({"time":"2026-01-31T23:59:59.123Z","level":"info","message":"ready","port":20128,)"
            R"("size":18446744073709551615,"ok":true,"ratio":0.5,"none":null,"name":"kiro"})"
            "\n");
}

TEST_F(LoggerTest, TextLinesAreForPeople) {
  auto text = options();
  text.json = false;
  Logger log(text);
  log.log(Level::Warning, "two\nlines", {{"who", "a b"}, {"n", -1}});
  log.flush();
  EXPECT_EQ(textOf(path_), "2026-01-31T23:59:59.123Z warning two\\nlines who=\"a b\" n=-1\n");
}

TEST_F(LoggerTest, WarningsAndErrorsGoToASecondPlaceToo) {
  std::vector<std::pair<Level, std::string>> seen;
  auto both = options();
  both.json = false;
  both.also = [&seen](Level level, std::string_view line) { seen.emplace_back(level, line); };
  {
    Logger log(both);
    log.log(Level::Info, "one");
    log.log(Level::Warning, "two\nlines", {{"password", "hunter2"}});
    log.log(Level::Error, "three");
  }
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].first, Level::Warning);
  EXPECT_TRUE(seen[0].second.starts_with("2026-01-31T23:59:59.123Z warning two\\nlines password="))
      << seen[0].second;
  EXPECT_EQ(seen[1], (std::pair<Level, std::string>{Level::Error,
                                                    "2026-01-31T23:59:59.123Z error   three"}));
  EXPECT_THAT(textOf(path_), HasSubstr("one"));
}

TEST_F(LoggerTest, NothingCanForgeALineOrBreakTheEncoding) {
  Logger log(options());
  const std::string nasty =
      "x\"}\n{\"level\":\"error\"\\\r\x01\x7f\xff\xc3\xa4\xed\xa0\x80\xc0\xaf\xe2\x82";
  log.log(Level::Info, nasty, {{"value", nasty}});
  log.flush();
  const auto lines = linesOf(textOf(path_));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].at("level"), "info");
  EXPECT_THAT(std::string(lines[0].at("value").as_string()),
              HasSubstr("\n{\"level\":\"error\"\\\r"));
  EXPECT_THAT(std::string(lines[0].at("value").as_string()), HasSubstr("\xc3\xa4"));
}

TEST_F(LoggerTest, SecretsAreRedactedInMessageAndFields) {
  Logger log(options());
  const std::string secret = "aorAAAAAGsecretsecretsecret";
  log.log(Level::Error, "refused: " + secret,
          {{"header", "Bearer secretsecret"}, {"body", "{\"t\":\"" + secret + "\"}"}});
  log.flush();
  const auto text = textOf(path_);
  EXPECT_EQ(text.find("secret"), std::string::npos) << text.size();
  EXPECT_THAT(text, HasSubstr("refused: [redacted]"));
}

TEST_F(LoggerTest, LevelsBelowTheSetOneAreLeftOut) {
  Logger log(options());
  log.log(Level::Debug, "one");
  log.setLevel(Level::Error);
  log.log(Level::Warning, "two");
  log.log(static_cast<Level>(99), "three");
  log.setLevel(Level::Debug);
  EXPECT_TRUE(log.enabled(Level::Debug));
  log.log(Level::Debug, "four");
  log.flush();
  const auto lines = linesOf(textOf(path_));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].at("message"), "three");
  EXPECT_EQ(lines[1].at("message"), "four");
}

TEST_F(LoggerTest, ShutdownWritesWhatWaits) {
  {
    Logger log(options());
    for (int i = 0; i < 2'000; ++i) log.log(Level::Info, "line", {{"i", i}});
  }
  const auto lines = linesOf(textOf(path_));
  ASSERT_EQ(lines.size(), 2'000U);
  for (int i = 0; i < 2'000; ++i) EXPECT_EQ(lines[static_cast<size_t>(i)].at("i"), i);
}

TEST_F(LoggerTest, LinesOfManyThreadsStayWhole) {
  Logger log(options());
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&log, t] {
      for (int i = 0; i < 200; ++i)
        log.log(Level::Info, std::string(100, static_cast<char>('a' + t)));
    });
  }
  for (auto& thread : threads) thread.join();
  log.flush();
  const auto lines = linesOf(textOf(path_));
  EXPECT_EQ(lines.size(), 1'600U);
  for (const auto& line : lines) {
    const std::string message(line.at("message").as_string());
    EXPECT_EQ(message, std::string(100, message.at(0)));
  }
}

TEST_F(LoggerTest, AFullQueueDropsCountsAndReports) {
  int channel[2];
  ASSERT_EQ(::pipe(channel), 0);
  std::string text;
  std::thread reader;
  {
    Logger log({.fd = channel[1], .capacity = 4, .clock = &clock_});
    // Larger than a pipe holds: the writer is stuck in this line until somebody reads.
    log.log(Level::Info, std::string(1'000'000, 'x'));
    for (int i = 0; i < 50; ++i) log.log(Level::Info, "small");
    EXPECT_GE(log.lost(), 43U);  // at most 4 lines are in the writer's hands and 4 wait
    reader = std::thread([&] {
      char buffer[65'536];
      for (ssize_t got; (got = ::read(channel[0], buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<size_t>(got));
    });
    log.flush();
    log.log(Level::Info, "after");
  }
  ::close(channel[1]);
  reader.join();
  ::close(channel[0]);
  const auto lines = linesOf(text);
  int64_t small = 0;
  int64_t reported = 0;
  for (const auto& line : lines) {
    if (line.at("message") == "small") ++small;
    if (const auto* dropped = line.if_contains("dropped")) reported += dropped->as_int64();
  }
  EXPECT_EQ(small + reported, 50);
  EXPECT_LE(small, 7);
  EXPECT_EQ(lines.back().contains("dropped") || lines.back().at("message") == "after", true);
}

TEST_F(LoggerTest, AClosedPipeLosesLinesButHurtsNobody) {
  int channel[2];
  ASSERT_EQ(::pipe(channel), 0);
  ::close(channel[0]);
  Logger log({.fd = channel[1], .clock = &clock_});
  log.log(Level::Info, "nobody reads");
  log.flush();
  EXPECT_EQ(log.lost(), 1U);
  ::close(channel[1]);
}

TEST_F(LoggerTest, AFileThatCannotBeOpenedIsReportedOnTheOtherOutput) {
  int channel[2];
  ASSERT_EQ(::pipe(channel), 0);
  {
    Logger log({.path = directory_ / "absent" / "log", .fd = channel[1], .clock = &clock_});
    log.log(Level::Info, "goes on");
  }
  ::close(channel[1]);
  char buffer[4'096];
  const auto got = ::read(channel[0], buffer, sizeof buffer);
  ::close(channel[0]);
  ASSERT_GT(got, 0);
  const std::string text(buffer, static_cast<size_t>(got));
  EXPECT_THAT(text, HasSubstr("cannot be opened"));
}

TEST_F(LoggerTest, ReopenFollowsARotation) {
  Logger log(options());
  log.log(Level::Info, "old");
  log.flush();
  fs::rename(path_, directory_ / "log.1");
  ASSERT_TRUE(log.reopen());
  log.log(Level::Info, "new");
  log.flush();
  EXPECT_THAT(textOf(directory_ / "log.1"), HasSubstr("old"));
  EXPECT_THAT(textOf(path_), HasSubstr("new"));
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0007, 0U);
}

}  // namespace
}  // namespace omni::telemetry
