#pragma once
// Holds back what comes before the first content, so that an attempt which fails before it leaves
// no trace at the client. One per attempt, on the request's thread.

#include "core/chat/model.hpp"

namespace omni::routing {

class AttemptSink final : public chat::EventSink {
 public:
  // Called when the first content comes, before the client gets it.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void firstContent() = 0;
  };

  AttemptSink(chat::EventSink& client, Listener& listener) : client_(client), listener_(listener) {}

  bool onEvent(const chat::ChatEvent& event) override;
  void hold() override { client_.hold(); }
  void release() override { client_.release(); }
  // Passed on once no other attempt can follow.
  void requestDone() override;

  bool content() const { return content_; }
  bool clientGone() const { return client_gone_; }
  double credits() const { return credits_; }  // by the last usage event; -1: none

 private:
  void begin();
  bool forward(const chat::ChatEvent& event);

  chat::EventSink& client_;
  Listener& listener_;
  chat::Usage early_usage_;
  double credits_ = -1;
  bool has_early_usage_ = false;
  bool content_ = false;
  bool client_gone_ = false;
  bool request_done_ = false;
};

}  // namespace omni::routing
