#include "core/routing/attempt_sink.hpp"

namespace omni::routing {

using chat::ChatEvent;
using chat::EventKind;

bool AttemptSink::onEvent(const ChatEvent& event) {
  if (client_gone_) return false;
  switch (event.kind) {
    case EventKind::Started:
      return true;
    case EventKind::Usage:
      if (event.usage && event.usage->credits >= 0) credits_ = event.usage->credits;
      if (!content_) {
        if (event.usage) early_usage_ = *event.usage, has_early_usage_ = true;
        return true;
      }
      break;
    case EventKind::Finish:
      // An answer without content is a failure of the attempt; a cut-off or filtered one is an
      // answer all the same.
      if (!content_ &&
          (event.finish == chat::Finish::Stop || event.finish == chat::Finish::ToolCalls))
        return true;
      begin();
      break;
    case EventKind::Text:
      if (!content_ && event.text.empty()) return true;
      begin();
      break;
    default:
      begin();
  }
  return forward(event);
}

void AttemptSink::requestDone() {
  request_done_ = true;
  if (content_) client_.requestDone();
}

void AttemptSink::begin() {
  if (content_) return;
  content_ = true;
  listener_.firstContent();
  if (request_done_) client_.requestDone();
  ChatEvent event;
  forward(event);  // Started
  if (!has_early_usage_) return;
  event.kind = EventKind::Usage;
  event.usage = &early_usage_;
  forward(event);
}

bool AttemptSink::forward(const ChatEvent& event) {
  if (!client_gone_ && !client_.onEvent(event)) client_gone_ = true;
  return !client_gone_;
}

}  // namespace omni::routing
