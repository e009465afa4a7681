#pragma once
// What happens to the answer's text between upstream and client: thinking in tags, stop sequences,
// JSON mode. Each takes deltas cut at any byte and holds back only what it cannot judge yet. Wire
// source: kiro-protocol F.8, H.2. One answer each, not thread-safe.

#include <string>
#include <string_view>
#include <vector>

namespace omni::kiro {

// <thinking>…</thinking> at the very beginning of an answer is reasoning; anywhere else, and in
// quotes or backticks, it is text.
class ThinkingTags {
 public:
  // Appends to `reasoning` and `text`.
  void feed(std::string_view delta, std::string& reasoning, std::string& text);
  // The rest at the end of the answer: an open tag was reasoning.
  void flush(std::string& reasoning, std::string& text);
  // The model reasons natively: tags are text from now on. Appends what was held back.
  void turnOff(std::string& text);
  bool passesAll() const { return state_ == State::Text; }

 private:
  enum class State { Start, Inside, After, Text };
  State state_ = State::Start;
  std::string held_;
};

// Ends the text before the first of the sequences.
class StopSequences {
 public:
  explicit StopSequences(std::vector<std::string> words);
  bool active() const { return !words_.empty(); }
  // Appends to `out`. True once a sequence has come; nothing is taken after that.
  bool feed(std::string_view delta, std::string& out);
  void flush(std::string& out);
  const std::string& matched() const { return matched_; }

 private:
  std::vector<std::string> words_;
  size_t longest_ = 0;
  std::string held_;
  std::string matched_;
};

// Lets one JSON object through and nothing else. An answer that begins with the object (or with a
// code fence around it) streams; one that begins with prose is held back to its end.
class JsonObjectOnly {
 public:
  void feed(std::string_view delta, std::string& out);
  // At the end of the answer: the first whole object in the prose. False when there is none.
  bool search(std::string& out);
  // The whole object has gone out.
  bool done() const { return state_ == State::Done; }
  // A part of it has.
  bool begun() const { return state_ == State::Inside || state_ == State::Done; }
  // What was held back, for an answer without any object.
  const std::string& held() const { return held_; }

 private:
  enum class State { Start, Inside, Search, Done };
  void inside(std::string_view delta, std::string& out);

  State state_ = State::Start;
  std::string held_;
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace omni::kiro
