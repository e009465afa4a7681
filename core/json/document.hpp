#pragma once
// A strict JSON document that copies nothing it need not: values are spans of the text given, so
// that a tool's schema or arguments are handed on as the client wrote them. Strings are decoded
// only when asked for, and only when they hold an escape.
//
// Strict means RFC 8259 and more: valid UTF-8, no lone surrogates, no key twice in one object (two
// readers would disagree about which counts), no number beyond a double, at most kMaxDepth levels.
//
// Ownership: Values and views live as long as their Document, which may not be moved once they are
// in use (hold it by pointer). Not thread-safe, except that different documents are independent.

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"

namespace omni::json {

constexpr int kMaxDepth = 128;

enum class Kind : uint8_t { Null, False, True, Number, String, Object, Array };
std::string_view kindName(Kind kind);  // "a string", "an object", ...

class Document;

// A place in a document; cheap to copy. A default Value is "not there", and so is every member of
// it.
class Value {
 public:
  Value() = default;
  Value(const Document* document, uint32_t at) : document_(document), at_(at) {}
  explicit operator bool() const { return document_ != nullptr; }

  Kind kind() const;
  bool is(Kind wanted) const { return document_ && kind() == wanted; }
  std::string_view raw() const;   // the bytes of the value, quotes included
  std::string_view text() const;  // of a String, decoded
  std::string_view key() const;   // of an object's member, decoded
  size_t offset() const;          // of the first byte, from the start of the text
  // As a client would write it: messages[2].content; "body" for the root.
  std::string path() const;
  std::string pathOf(std::string_view member) const;

  // Objects: the member, also when it is null; nothing when it is absent.
  Value find(std::string_view name) const;
  // Objects and arrays: for (Value v = x.first(); v; v = v.next())
  Value first() const;
  Value next() const;

 private:
  const Document* document_ = nullptr;
  uint32_t at_ = 0;
};

class Document {
 public:
  Document() = default;
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  // Once per document. Errors are BadRequest with the byte offset in the message, and with the path
  // in `field` when a key is there twice.
  Result<> parse(std::string text);
  Value root() const { return {this, 0}; }
  // A string that must live as long as the document.
  std::string_view keep(std::string text) const { return made_.emplace_back(std::move(text)); }

 private:
  friend class Value;
  friend class Parser;
  // In document order; an object's members are a key's node, then the value's.
  struct Node {
    uint32_t begin = 0;
    uint32_t end = 0;   // one past the last byte
    uint32_t next = 0;  // index after this node and all below it; 0 while it is being read
    Kind kind = Kind::Null;
    bool escaped = false;
    bool is_key = false;
    bool last = false;  // no sibling follows
  };
  std::string_view decoded(const Node& node) const;

  std::string text_;
  std::vector<Node> nodes_;
  mutable std::deque<std::string> made_;  // a deque never moves its elements
};

}  // namespace omni::json
