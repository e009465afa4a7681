// Seeded random conversations: whatever a client sends becomes a document that keeps upstream's
// rules, and what is said in it is what the client said. And random bytes never do harm.

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "plugins/kiro/json_text.hpp"
#include "plugins/kiro/upstream_error.hpp"
#include "tests/unit/plugins/kiro/wire_kit.hpp"

namespace omni::kiro::wire {
namespace {

using Random = std::mt19937;

size_t below(Random& random, size_t limit) {
  return std::uniform_int_distribution<size_t>(0, limit - 1)(random);
}

std::string words(Random& random) {
  static const std::vector<std::string> kPieces = {"word", " ",         "\n",         "\"", "\\",
                                                   "\t",   "caf\u00e9", "\U0001F600", "{",  "}",
                                                   "\x01", "</x>",      "0"};
  std::string out = "w";
  for (size_t i = below(random, 12); i > 0; --i) out += kPieces[below(random, kPieces.size())];
  return out;
}

// Any order of roles, calls without results, results without calls, odd ids and names.
void scramble(RequestBuilder& r, Random& random, std::vector<std::string>& said) {
  static const std::vector<std::string> kIds = {"a", "b", "call 1", "", std::string(80, 'i'), "c"};
  static const std::vector<std::string> kNames = {"edit", "Edit", "my.tool", std::string(90, 'n'),
                                                  "9lives"};
  static const std::vector<std::string> kArguments = {R"({"k":"v"})", "{bad", "", "[]", R"("{}")"};
  for (size_t i = below(random, 12) + 1; i > 0; --i) {
    r.message(static_cast<uint32_t>(below(random, 3)));
    for (size_t k = below(random, 4); k > 0; --k) {
      const auto& id = kIds[below(random, kIds.size())];
      switch (below(random, 5)) {
        case 0:
          r.toolCall(id, kNames[below(random, kNames.size())],
                     kArguments[below(random, kArguments.size())]);
          break;
        case 1:
          r.toolResult(id, words(random), below(random, 2) == 0);
          break;
        case 2:
          r.reasoning(words(random), below(random, 2) ? "sig" : "");
          break;
        default:
          said.push_back(words(random));
          r.text(said.back());
      }
    }
  }
  for (size_t i = below(random, 4); i > 0; --i)
    r.tool(kNames[below(random, kNames.size())], below(random, 2) ? "d" : "",
           R"({"type":"object"})");
}

std::set<std::string> ids(const json::value* list) {
  std::set<std::string> out;
  if (!list) return out;
  for (const auto& entry : list->as_array())
    EXPECT_TRUE(out.insert(std::string(entry.at("toolUseId").as_string())).second);
  return out;
}

void keepsTheRules(const Document& d) {
  const auto& state = d.root.at("conversationState").as_object();
  json::array messages = state.at("history").as_array();
  messages.push_back(state.at("currentMessage"));
  std::set<std::string> open;
  bool calls = false;
  for (size_t i = 0; i < messages.size(); ++i) {
    const auto& message = messages[i].as_object();
    ASSERT_EQ(message.size(), 1u);
    if (i % 2 == 0) {
      const auto& user = message.at("userInputMessage").as_object();
      EXPECT_TRUE(user.at("content").is_string());
      const auto* context = user.if_contains("userInputMessageContext");
      const auto results = ids(context ? context->as_object().if_contains("toolResults") : nullptr);
      EXPECT_EQ(results, open);
      open.clear();
      if (i + 1 < messages.size()) {
        EXPECT_FALSE(user.contains("modelId"));
        EXPECT_FALSE(context && context->as_object().contains("tools"));
      }
    } else {
      const auto& assistant = message.at("assistantResponseMessage").as_object();
      open = ids(assistant.if_contains("toolUses"));
      calls = calls || !open.empty();
      if (const auto* uses = assistant.if_contains("toolUses"))
        for (const auto& use : uses->as_array()) {
          EXPECT_TRUE(use.at("input").is_object());
          EXPECT_TRUE(isSafeToolId(std::string(use.at("toolUseId").as_string())));
          EXPECT_TRUE(isSafeToolName(std::string(use.at("name").as_string())));
        }
    }
  }
  EXPECT_EQ(messages.size() % 2, 1u);
  const auto tools = d.at(current("/userInputMessageContext/tools"));
  if (calls) {
    EXPECT_TRUE(tools.is_array());
  }
  std::set<std::string> names;
  if (tools.is_array()) {
    for (const auto& tool : tools.as_array())
      EXPECT_TRUE(
          names.insert(std::string(tool.at_pointer("/toolSpecification/name").as_string())).second);
  }
}

TEST(KiroRoundTrip, AnyConversationKeepsTheRules) {
  for (uint32_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    RequestBuilder r;
    std::vector<std::string> said;
    scramble(r, random, said);
    const Document d = document(r);
    ASSERT_TRUE(d.result) << d.result.error().message;
    keepsTheRules(d);
    for (const auto& text : said) {
      std::string written;
      appendEscaped(written, text);
      EXPECT_NE(d.result->body.find(written), std::string::npos) << text;
    }
    ASSERT_FALSE(::testing::Test::HasFailure());
  }
}

// What is streamed comes out again, however the frames and the fragments are cut.
TEST(KiroRoundTrip, AnyAnswerComesOutAsItWentIn) {
  for (uint32_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::string stream = kInitial, text, reasoning;
    std::vector<std::string> arguments;
    for (size_t i = below(random, 8) + 1; i > 0; --i) {
      if (below(random, 4) == 0) {
        const auto id = "t" + std::to_string(arguments.size());
        const auto whole = R"({"k":)" + jsonText(words(random)) + "}";
        stream += use(id);
        for (size_t at = 0; at < whole.size();) {
          // Not inside a character: upstream's fragments are JSON strings themselves.
          size_t size = std::min(below(random, 5) + 1, whole.size() - at);
          while (at + size < whole.size() &&
                 (static_cast<unsigned char>(whole[at + size]) & 0xC0) == 0x80)
            ++size;
          stream += input(id, std::string_view(whole).substr(at, size));
          at += size;
        }
        stream += stop(id);
        arguments.push_back(whole);
      } else if (below(random, 2)) {
        const auto more = words(random);
        text += more;
        stream += say(more);
      } else {
        const auto more = words(random);
        reasoning += more;
        stream += think(more);
      }
    }
    stream += kTail;
    Heard heard;
    std::vector<std::string_view> pieces;
    for (size_t at = 0; at < stream.size();) {
      const size_t size = std::min(below(random, 90) + 1, stream.size() - at);
      pieces.push_back(std::string_view(stream).substr(at, size));
      at += size;
    }
    hear(heard, pieces);
    ASSERT_TRUE(heard.end) << heard.error();
    EXPECT_EQ(heard.sink.text(), text);
    EXPECT_EQ(heard.sink.reasoning(), reasoning);
    const auto calls = heard.sink.toolCalls();
    ASSERT_EQ(calls.size(), arguments.size());
    for (size_t i = 0; i < calls.size(); ++i) EXPECT_EQ(calls[i].arguments, arguments[i]);
    EXPECT_TRUE(heard.sink.violations().empty());
  }
}

TEST(KiroRoundTrip, RandomBytesAreRefusedOrRead) {
  Random random(7);
  for (int i = 0; i < 3000; ++i) {
    std::string bytes(below(random, 300), '\0');
    for (char& c : bytes) c = static_cast<char>(below(random, 256));
    EXPECT_FALSE(hear(bytes)->sink.finish());
    sdk::HttpResponse response;
    response.status = 400;
    response.body = bytes;
    (void)runtimeFailure(readError(response));
    (void)parseCatalogue(bytes);
  }
}

}  // namespace
}  // namespace omni::kiro::wire
