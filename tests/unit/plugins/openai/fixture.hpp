#pragma once
// An account of the plugin on the fake host.

#include <gtest/gtest.h>
#include <omniroute/testing/fake_host.hpp>

#include <boost/json.hpp>
#include <string>

extern "C" const omni_plugin_entry_t omni_plugin_entry_openai;

namespace omni::openai_upstream {

using sdk::testing::FakeCall;
using sdk::testing::FakeHost;
using sdk::testing::PluginUnderTest;
using sdk::testing::RecordingSink;
using sdk::testing::RequestBuilder;
using sdk::testing::ScriptedAnswer;

inline std::string chunk(std::string_view choice, std::string_view more = {}) {
  return "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[" +
         std::string(choice) + "]" + std::string(more) + "}\n\n";
}
inline std::string delta(std::string_view members, std::string_view finish = {}) {
  return chunk("{\"index\":0,\"delta\":{" + std::string(members) + "},\"finish_reason\":" +
               (finish.empty() ? "null" : "\"" + std::string(finish) + "\"") + "}");
}

class Fixture : public ::testing::Test {
 protected:
  void SetUp() override {
    host_.setValue("baseUrl", "http://127.0.0.1:9/v1");
    host_.setValue("apiKey", "sk-test-1234", true);
    host_.setValue("defaultModel", "small");
  }
  void stream(std::vector<std::string> pieces) {
    host_.answerHttp({.status = 200,
                      .headers = {{"Content-Type", "text/event-stream"}},
                      .pieces = std::move(pieces)});
  }
  omni_status_t ask() {
    RequestBuilder request;
    return plugin_.complete(call_, request.user("Hi").build(), sink_);
  }
  boost::json::object sent(size_t index = 0) {
    return boost::json::parse(host_.requests().at(index).body).as_object();
  }

  FakeHost host_;
  PluginUnderTest plugin_{omni_plugin_entry_openai, host_};
  FakeCall call_{host_};
  RecordingSink sink_;
};

}  // namespace omni::openai_upstream
