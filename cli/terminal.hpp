#pragma once
// Standard input and output. Colours only on a terminal and without NO_COLOR. One thread.

#include <optional>
#include <string>
#include <string_view>

#include "cli/table.hpp"

namespace omni::cli {

class Terminal {
 public:
  // Looks at the three standard streams, NO_COLOR, TERM, COLUMNS.
  Terminal();
  bool interactive() const { return in_ && err_; }  // somebody can answer a question
  bool inIsTerminal() const { return in_; }
  bool outIsTerminal() const { return out_; }
  bool errIsTerminal() const { return err_; }
  bool colours() const { return colours_; }
  void noColours() { colours_ = false; }
  size_t width() const;  // of the terminal; 0: output goes elsewhere

  void out(std::string_view text) const;   // standard output
  void line(std::string_view text) const;  // and a line break
  void say(std::string_view text) const;   // a sentence, wrapped at the terminal's width
  void err(std::string_view text) const;   // standard error, a line
  void show(const Table& table) const;

  std::string bold(std::string_view text) const { return styled(text, "1"); }
  std::string dim(std::string_view text) const { return styled(text, "2"); }
  std::string good(std::string_view text) const { return styled(text, "32"); }
  std::string warn(std::string_view text) const { return styled(text, "33"); }
  std::string bad(std::string_view text) const { return styled(text, "31"); }

  // Questions go to standard error, so that output can be piped. nullopt: end of input.
  std::optional<std::string> ask(std::string_view question) const;
  bool confirm(std::string_view question, bool fallback) const;
  // Without echo. From a pipe: the first line.
  std::optional<std::string> secret(std::string_view question) const;

 private:
  std::string styled(std::string_view text, std::string_view code) const;

  bool in_, out_, err_, colours_;
};

}  // namespace omni::cli
