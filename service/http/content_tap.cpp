#include "service/http/content_tap.hpp"

#include <fmt/format.h>

#include <utility>

namespace omni::http {
namespace {

using chat::EventKind;

bool insideCharacter(std::string_view text, size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

std::string_view head(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text;
  // Three at most: what is no UTF-8 must not be searched to its beginning.
  for (int i = 0; i < 3 && limit > 0 && insideCharacter(text, limit); ++i) --limit;
  return text.substr(0, limit);
}

std::string_view tail(std::string_view text, size_t limit) {
  size_t from = text.size() - limit;
  for (int i = 0; i < 3 && insideCharacter(text, from); ++i) ++from;
  return text.substr(from);
}

std::string mark(size_t missing) {
  return fmt::format("\n[... {} bytes are not kept ...]\n", missing);
}

}  // namespace

ContentTap::ContentTap(size_t limit, std::string_view body, const Clean& clean)
    : limit_(limit), clean_(clean), content_(std::make_shared<RequestContent>()) {
  content_->request_bytes = static_cast<int64_t>(body.size());
  std::string cleaned;
  if (clean_) body = cleaned = clean_(body);
  if (body.size() <= limit) {
    content_->request = body;
    return;
  }
  const auto first = head(body, limit / 2);
  const auto last = tail(body, limit - limit / 2);
  content_->request.reserve(limit + 64);
  content_->request += first;
  content_->request += mark(body.size() - first.size() - last.size());
  content_->request += last;
}

void ContentTap::see(const chat::ChatEvent& event) {
  switch (event.kind) {
    case EventKind::Text:
      begin(EventKind::Text, "[text]\n");
      return add(event.text);
    case EventKind::Reasoning:
      begin(EventKind::Reasoning, "[reasoning]\n");
      return add(event.text);
    case EventKind::ToolStart:
      section_ = EventKind::Started;  // two calls in a row are two sections
      begin(EventKind::ToolStart, "[tool call] ");
      add(event.name);
      return add(" ");
    case EventKind::ToolArguments:
      return add(event.text);
    default:
      return;
  }
}

void ContentTap::begin(EventKind kind, std::string_view heading) {
  if (section_ == kind || full_) return;
  section_ = kind;
  if (!content_->answer.empty()) content_->answer += "\n\n";
  content_->answer += heading;
}

void ContentTap::add(std::string_view text) {
  content_->answer_bytes += static_cast<int64_t>(text.size());
  if (full_) return;
  const auto fits = head(text, limit_ - kept_);
  content_->answer += fits;
  kept_ += fits.size();
  full_ = fits.size() < text.size();
}

std::shared_ptr<const RequestContent> ContentTap::take() {
  if (clean_) content_->answer = clean_(content_->answer);
  if (full_) content_->answer += mark(static_cast<size_t>(content_->answer_bytes) - kept_);
  return std::move(content_);
}

}  // namespace omni::http
