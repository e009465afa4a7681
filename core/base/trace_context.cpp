#include "core/base/trace_context.hpp"

#include <algorithm>

namespace omni {
namespace {

thread_local TraceScope* innermost = nullptr;

bool hex(std::string_view text, size_t size) {
  return text.size() == size && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool allZero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

std::optional<TraceContext> TraceContext::parse(std::string_view text) {
  // A later version may have more behind the flags, separated by another dash.
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const auto version = text.substr(0, 2);
  if (!hex(version, 2) || version == "ff") return std::nullopt;
  if (text.size() > 55 && (version == "00" || text[55] != '-')) return std::nullopt;
  TraceContext out{std::string(text.substr(3, 32)), std::string(text.substr(36, 16)),
                   std::string(text.substr(53, 2))};
  if (!hex(out.trace_id, 32) || allZero(out.trace_id) || !hex(out.parent_id, 16) ||
      allZero(out.parent_id) || !hex(out.flags, 2))
    return std::nullopt;
  return out;
}

std::string TraceContext::header(std::string_view span_id) const {
  std::string out = "00-" + trace_id + "-";
  out += span_id;
  return out + "-" + flags;
}

TraceScope::TraceScope(std::string_view request_id, const std::optional<TraceContext>& trace)
    : request_id_(request_id), trace_(trace), outer_(innermost) {
  innermost = this;
}

TraceScope::~TraceScope() {
  innermost = outer_;
}

std::string_view TraceScope::requestId() {
  return innermost ? std::string_view(innermost->request_id_) : std::string_view();
}

const TraceContext* TraceScope::trace() {
  return innermost && innermost->trace_ ? &*innermost->trace_ : nullptr;
}

}  // namespace omni
