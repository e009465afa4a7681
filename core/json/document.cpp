#include "core/json/document.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/json/parser.hpp"

namespace omni::json {
namespace {

// Names with other characters are written in brackets, so that a path can be read one way only.
bool plainName(std::string_view name) {
  return !name.empty() && name.size() <= 100 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '$';
  });
}

void appendName(std::string& path, std::string_view name) {
  if (!plainName(name)) {
    path += fmt::format("[\"{}\"]", name.substr(0, 100));
    return;
  }
  if (!path.empty()) path += '.';
  path += name;
}

}  // namespace

std::string_view kindName(Kind kind) {
  switch (kind) {
    case Kind::Null:
      return "null";
    case Kind::False:
    case Kind::True:
      return "true or false";
    case Kind::Number:
      return "a number";
    case Kind::String:
      return "a string";
    case Kind::Object:
      return "an object";
    case Kind::Array:
      return "an array";
  }
  return "something else";
}

Result<> Document::parse(std::string text) {
  text_ = std::move(text);
  return Parser(*this).run();
}

std::string_view Document::decoded(const Node& node) const {
  const std::string_view inner =
      std::string_view(text_).substr(node.begin + 1, node.end - node.begin - 2);
  if (!node.escaped) return inner;
  std::string out;
  out.reserve(inner.size());
  for (size_t i = 0; i < inner.size();) {
    const size_t plain = std::min(inner.find('\\', i), inner.size());
    out.append(inner, i, plain - i);
    i = plain;
    if (i >= inner.size()) break;
    const char c = inner[i + 1];
    i += 2;
    switch (c) {
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'u': {
        auto code = static_cast<uint32_t>(hex4(inner, i));
        i += 4;
        if (code >= 0xd800 && code <= 0xdbff) {
          const auto low = static_cast<uint32_t>(hex4(inner, i + 2));
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          i += 6;
        }
        appendUtf8(out, code);
        break;
      }
      default:
        out += c;
    }
  }
  return keep(std::move(out));
}

Kind Value::kind() const {
  return document_->nodes_[at_].kind;
}

std::string_view Value::raw() const {
  const auto& node = document_->nodes_[at_];
  return std::string_view(document_->text_).substr(node.begin, node.end - node.begin);
}

std::string_view Value::text() const {
  return document_->decoded(document_->nodes_[at_]);
}

std::string_view Value::key() const {
  return at_ > 0 && document_->nodes_[at_ - 1].is_key
             ? document_->decoded(document_->nodes_[at_ - 1])
             : std::string_view();
}

size_t Value::offset() const {
  return document_->nodes_[at_].begin;
}

// From the root down to this value. Only errors need paths, so nothing is stored for them.
std::string Value::path() const {
  std::string path;
  const auto& nodes = document_->nodes_;
  const auto end = [&](uint32_t i) {
    return nodes[i].next ? nodes[i].next : static_cast<uint32_t>(nodes.size());
  };
  uint32_t at = 0;
  while (at != at_) {
    uint32_t child = at + 1;
    if (child >= nodes.size()) break;
    if (nodes[at].kind == Kind::Object) {
      while (child + 1 < nodes.size() && end(child + 1) <= at_) child = end(child + 1);
      if (child >= nodes.size() || nodes[child].end == 0) break;  // the key itself is at fault
      appendName(path, document_->decoded(nodes[child]));
      if (child == at_ || child + 1 >= nodes.size()) break;
      at = child + 1;
    } else {
      size_t index = 0;
      while (child < nodes.size() && end(child) <= at_) child = end(child), ++index;
      if (child >= nodes.size()) break;
      path += fmt::format("[{}]", index);
      at = child;
    }
  }
  return path.empty() ? "body" : path;
}

std::string Value::pathOf(std::string_view member) const {
  std::string out = at_ == 0 ? std::string() : path();
  appendName(out, member);
  return out;
}

Value Value::find(std::string_view name) const {
  if (!is(Kind::Object)) return {};
  const auto& nodes = document_->nodes_;
  for (uint32_t i = at_ + 1; i < nodes[at_].next; i = nodes[i + 1].next) {
    const auto& key = nodes[i];
    const bool may_match = key.escaped || key.end - key.begin - 2 == name.size();
    if (may_match && document_->decoded(key) == name) return {document_, i + 1};
  }
  return {};
}

Value Value::first() const {
  if (!document_) return {};
  const auto& nodes = document_->nodes_;
  const auto& node = nodes[at_];
  if ((node.kind != Kind::Object && node.kind != Kind::Array) || node.next == at_ + 1) return {};
  return {document_, at_ + (node.kind == Kind::Object ? 2u : 1u)};
}

Value Value::next() const {
  if (!document_) return {};
  const auto& nodes = document_->nodes_;
  if (nodes[at_].last) return {};
  const uint32_t after = nodes[at_].next;
  return {document_, nodes[after].is_key ? after + 1 : after};
}

}  // namespace omni::json
