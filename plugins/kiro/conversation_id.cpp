#include <boost/uuid/name_generator_md5.hpp>
#include <boost/uuid/uuid_io.hpp>

#include "plugins/kiro/conversation.hpp"
#include "plugins/kiro/json_text.hpp"

namespace omni::kiro {
namespace {

// A hash is a bad place to save on: but no more of a long text than tells it from others.
constexpr size_t kHashed = 4000;

// A name-based UUID (RFC 9562, version 3) in a namespace of ours. It tells conversations apart and
// is no secret: of the two kinds that Boost makes, the one that costs a quarter.
std::string uuidFrom(std::string_view seed) {
  constexpr boost::uuids::uuid kConversations = {{0x1d, 0x5e, 0x4c, 0x0b, 0x3a, 0x76, 0x4f, 0x25,
                                                  0x9b, 0x8e, 0x60, 0xc2, 0x7a, 0xd1, 0x93, 0x4e}};
  return boost::uuids::to_string(
      boost::uuids::name_generator_md5(kConversations)(seed.data(), seed.size()));
}

bool isUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c + 32);
  return out;
}

// The UUID in what clients give: alone, `user_…_session_<uuid>`, {"session_id":"<uuid>"}.
std::string uuidIn(std::string_view given) {
  if (isUuid(given)) return lower(given);
  if (given.size() > 36 && isUuid(given.substr(given.size() - 36))) {
    const auto before = given.substr(0, given.size() - 36);
    if (before.ends_with("session_") || before == "sess_")
      return lower(given.substr(given.size() - 36));
  }
  std::string scratch;
  const auto member = stringOf(memberOf(given, "session_id"), scratch);
  return isUuid(member) ? lower(member) : std::string();
}

// Beginning, end and length of the turn's own text.
std::string seedOf(const Turn& turn) {
  std::string text;
  for (const auto piece : turn.texts) {
    text += piece.substr(0, kHashed);
    if (piece.size() > kHashed)
      text += piece.substr(piece.size() - std::min(kHashed, piece.size() - kHashed));
    text.append("|").append(std::to_string(piece.size())).append("|");
    if (text.size() > 4 * kHashed) break;
  }
  return text;
}

}  // namespace

std::string conversationId(std::string_view given, const Conversation& conversation) {
  if (auto uuid = uuidIn(given); !uuid.empty()) return uuid;
  // A user's id that was to hold a session but does not is the same in all of the user's
  // conversations.
  if (!given.empty() && given.front() != '{' && given.find("_session_") == std::string_view::npos)
    return uuidFrom(given);
  return uuidFrom(seedOf(conversation.turns.front()));
}

std::string continuationId(std::string_view conversation_id, const Conversation& conversation) {
  const Turn* last = &conversation.turns.front();
  size_t asked = 0;
  for (const Turn& turn : conversation.turns)
    if (turn.user && turn.results.empty()) last = &turn, ++asked;
  std::string seed(conversation_id);
  seed.append("|").append(std::to_string(asked)).append("|").append(seedOf(*last));
  return uuidFrom(seed);
}

}  // namespace omni::kiro
