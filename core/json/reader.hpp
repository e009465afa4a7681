#pragma once
// Reading a client's request out of a Document, with errors that name the member. Shared by the
// codecs of all APIs.
//
// Refusal is thrown to leave nested decoding, and caught in guarded(), the only way in: it never
// leaves core. Absent and null members are the same thing here.

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "core/base/error.hpp"
#include "core/chat/model.hpp"
#include "core/json/document.hpp"

namespace omni::json {

struct Refusal {
  Error error;
};

// BadRequest: "<path> <what>", with the path in Error::field.
[[noreturn]] void refuse(const Value& value, std::string_view what);
[[noreturn]] void refuseMember(const Value& object, std::string_view name, std::string_view what);
// The same for what is understood but cannot be done; Error::reason is "unsupported_parameter".
[[noreturn]] void refuseUnsupported(const Value& value, std::string_view what);

Value object(const Value& value);  // itself, or refused
Value array(const Value& value);
std::string_view text(const Value& value);

Value get(const Value& object, std::string_view name);  // not there when absent or null
Value required(const Value& object, std::string_view name);
std::string_view requiredText(const Value& object, std::string_view name);  // may be empty
std::string_view optionalText(const Value& object, std::string_view name);  // "" when absent
bool flag(const Value& object, std::string_view name, bool fallback);
double number(const Value& object, std::string_view name, double low, double high);  // NaN: absent
// A whole number of at least `low`; -1 when absent.
int64_t count(const Value& object, std::string_view name, int64_t low = 1);

// "a, b and c", for messages.
std::string listed(std::initializer_list<std::string_view> names);

chat::Part textPart(std::string_view text);
// An inline picture: its type is one that models know, its data is base64 (RFC 4648, padded).
void fillImage(chat::Part& part, const Value& where, std::string_view media_type,
               std::string_view data);
// data:image/png;base64,AAAA inline; http and https stay a URL; all else is refused.
void fillImageUrl(chat::Part& part, const Value& url);

// Which tool calls there have been, so that a result without its call is noticed.
class ToolPairs {
 public:
  void call(std::string_view id) { ids_.insert(id); }
  void result(const Value& id_member, std::string_view id) const;  // or refused

 private:
  std::unordered_set<std::string_view> ids_;
};

// The whole way in for a codec: parses `body`, makes sure that it is an object, runs
// `decode(root, document)`, which returns a ChatRequest, and ties the document to the request.
template <typename Decode>
Result<chat::ChatRequest> decodeBody(std::string body, Decode&& decode) {
  auto document = std::make_shared<Document>();
  if (auto parsed = document->parse(std::move(body)); !parsed)
    return std::unexpected(std::move(parsed.error()));
  try {
    chat::ChatRequest request = decode(object(document->root()), std::as_const(*document));
    request.backing = std::move(document);
    return request;
  } catch (Refusal& refusal) {
    return std::unexpected(std::move(refusal.error));
  }
}

}  // namespace omni::json
