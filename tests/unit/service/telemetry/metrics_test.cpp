#include "service/telemetry/metrics.hpp"

#include <gtest/gtest.h>

namespace omni::telemetry {
namespace {

RequestEntry entry() {
  RequestEntry e;
  e.api = "chat";
  e.provider = "kiro";
  e.connection_name = "kiro-dev";
  e.status = 200;
  e.duration_ms = 700;
  e.first_byte_ms = 40;
  e.input_tokens = 10;
  e.output_tokens = 5;
  e.credits = 0.25;
  e.attempts = R"([{"connection":"kiro-dev","ok":true}])";
  return e;
}

TEST(Metrics, LabelsAreEscaped) {
  MetricText text;
  text.family("x", "gauge", "Help.");
  text.sample({{"a", "q\"b\\c\nd"}}, 1.5);
  text.sample({}, 3);
  EXPECT_EQ(text.text(), "# HELP x Help.\n# TYPE x gauge\nx{a=\"q\\\"b\\\\c\\nd\"} 1.5\nx 3\n");
}

TEST(Metrics, RequestsAddUp) {
  RequestMetrics metrics;
  metrics.observe(entry());
  auto failed = entry();
  failed.error = "upstream_error: cut off";
  failed.attempts = R"([{"connection":"a"},{"connection":"kiro-dev"}])";
  failed.first_byte_ms = -1;
  failed.credits = -1;
  metrics.observe(failed);
  MetricText text;
  metrics.write(text);
  const std::string& out = text.text();
  const auto has = [&](std::string_view line) {
    EXPECT_TRUE(out.contains(std::string("\n") + std::string(line) + "\n")) << line << "\n" << out;
  };
  has(R"(omniroute_requests_total{api="chat",provider="kiro",connection="kiro-dev",status="200",ok="true"} 1)");
  has(R"(omniroute_requests_total{api="chat",provider="kiro",connection="kiro-dev",status="200",ok="false"} 1)");
  has(R"(omniroute_fallbacks_total{provider="kiro",connection="kiro-dev"} 1)");
  has(R"(omniroute_request_duration_seconds_bucket{api="chat",provider="kiro",le="0.5"} 0)");
  has(R"(omniroute_request_duration_seconds_bucket{api="chat",provider="kiro",le="1"} 2)");
  has(R"(omniroute_request_duration_seconds_bucket{api="chat",provider="kiro",le="+Inf"} 2)");
  has(R"(omniroute_request_duration_seconds_sum{api="chat",provider="kiro"} 1.4)");
  has(R"(omniroute_first_byte_seconds_count{api="chat",provider="kiro"} 1)");
  has(R"(omniroute_tokens_total{provider="kiro",connection="kiro-dev",kind="input"} 20)");
  has(R"(omniroute_credits_total{provider="kiro",connection="kiro-dev"} 0.25)");
}

}  // namespace
}  // namespace omni::telemetry
