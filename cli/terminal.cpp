#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "cli/text.hpp"

#if defined(_WIN32)
#include <io.h>
#include <windows.h>
#else
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#endif

namespace omni::cli {
namespace {

bool isTerminal(int descriptor) {
#if defined(_WIN32)
  return _isatty(descriptor) != 0;
#else
  return isatty(descriptor) == 1;
#endif
}

std::optional<std::string> readLine() {
  std::string line;
  if (!std::getline(std::cin, line)) return std::nullopt;
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

// Switches the echo off and, whatever happens, on again.
class NoEcho {
 public:
#if defined(_WIN32)
  NoEcho() : handle_(GetStdHandle(STD_INPUT_HANDLE)) {
    on_ = GetConsoleMode(handle_, &old_) && SetConsoleMode(handle_, old_ & ~ENABLE_ECHO_INPUT);
  }
  ~NoEcho() {
    if (on_) SetConsoleMode(handle_, old_);
  }

 private:
  HANDLE handle_;
  DWORD old_ = 0;
#else
  NoEcho() {
    if (tcgetattr(0, &old_) != 0) return;
    termios quiet = old_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    on_ = tcsetattr(0, TCSAFLUSH, &quiet) == 0;
  }
  ~NoEcho() {
    if (on_) tcsetattr(0, TCSAFLUSH, &old_);
  }

 private:
  termios old_{};
#endif
  bool on_ = false;
};

}  // namespace

Terminal::Terminal() : in_(isTerminal(0)), out_(isTerminal(1)), err_(isTerminal(2)) {
  const char* none = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  colours_ = out_ && !(none && *none) && !(kind && std::string_view(kind) == "dumb");
#if defined(_WIN32)
  SetConsoleOutputCP(CP_UTF8);
  DWORD mode = 0;
  const HANDLE handle = GetStdHandle(STD_OUTPUT_HANDLE);
  if (out_ && GetConsoleMode(handle, &mode))
    SetConsoleMode(handle, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
#endif
}

size_t Terminal::width() const {
  if (!out_) return 0;
#if defined(_WIN32)
  CONSOLE_SCREEN_BUFFER_INFO info;
  if (GetConsoleScreenBufferInfo(GetStdHandle(STD_OUTPUT_HANDLE), &info))
    return static_cast<size_t>(info.srWindow.Right - info.srWindow.Left + 1);
#else
  winsize size{};
  if (ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
#endif
  const char* columns = std::getenv("COLUMNS");
  const int given = columns ? std::atoi(columns) : 0;
  return given > 0 ? static_cast<size_t>(given) : 80;
}

void Terminal::out(std::string_view text) const {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void Terminal::line(std::string_view text) const {
  out(std::string(text) + "\n");
}

void Terminal::say(std::string_view text) const {
  if (width() == 0) return line(text);
  for (const std::string& piece : wrapped(text, width())) line(piece);
}

void Terminal::err(std::string_view text) const {
  std::fflush(stdout);
  const std::string whole = std::string(text) + "\n";
  std::fwrite(whole.data(), 1, whole.size(), stderr);
}

void Terminal::show(const Table& table) const {
  out(table.render(width(), colours_ ? "\x1b[1m" : "", colours_ ? "\x1b[0m" : ""));
}

std::string Terminal::styled(std::string_view text, std::string_view code) const {
  return colours_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::optional<std::string> Terminal::ask(std::string_view question) const {
  if (in_) {
    std::fwrite(question.data(), 1, question.size(), stderr);
    std::fflush(stderr);
  }
  return readLine();
}

bool Terminal::confirm(std::string_view question, bool fallback) const {
  for (;;) {
    const auto answer = ask(fmt::format("{} [{}] ", question, fallback ? "Y/n" : "y/N"));
    if (!answer) return false;
    if (answer->empty()) return fallback;
    const char first = static_cast<char>((*answer)[0] | 0x20);
    if (first == 'y' || first == 'n') return first == 'y';
    err("Please answer y or n.");
  }
}

std::optional<std::string> Terminal::secret(std::string_view question) const {
  if (!in_) return readLine();
  std::optional<std::string> line;
  {
    const NoEcho quiet;
    line = ask(question);
  }
  err("");
  return line;
}

}  // namespace omni::cli
