#include "service/http/body_reader.hpp"

#include <Poco/Exception.h>

#include <algorithm>

namespace omni::http {
namespace {

constexpr size_t kMaxLine = 4096;
constexpr size_t kMaxTrailers = 64;
constexpr uint64_t kSlowestPerSecond = 4096;

struct Fail {
  BodyStatus status;
};

// Only where the next read may wait: what is here already is not late.
void keepPace(Session& session, const BodyPace& pace, uint64_t bytes) {
  if (session.buffered() == 0 && pace.late(bytes)) throw Fail{BodyStatus::TimedOut};
}

void readExactly(Session& session, uint64_t length, const BodyPace& pace, std::string& out) {
  // Grows with what has come, so that a declared length alone reserves no memory.
  constexpr uint64_t kStep = 64 * 1024;
  while (length > 0) {
    const size_t old = out.size();
    keepPace(session, pace, old);
    const auto want = static_cast<size_t>(std::min(length, kStep));
    // Twice as much each time, but not beyond the end: the last doubling would stay half empty.
    if (out.capacity() < old + want)
      out.reserve(static_cast<size_t>(std::min<uint64_t>(old + length, 2 * (old + want))));
    out.resize(old + want);
    const int n = session.read(out.data() + old, static_cast<std::streamsize>(want));
    out.resize(old + static_cast<size_t>(std::max(n, 0)));
    if (n <= 0) throw Fail{BodyStatus::Truncated};
    length -= static_cast<uint64_t>(n);
  }
}

// One line without its CRLF. A bare LF is refused: two parsers that disagree about it are what
// request smuggling lives on.
std::string readLine(Session& session, const BodyPace& pace, uint64_t bytes) {
  std::string line;
  while (true) {
    keepPace(session, pace, bytes);
    const int c = session.get();
    if (c < 0) throw Fail{BodyStatus::Truncated};
    if (c == '\n') {
      if (line.empty() || line.back() != '\r') throw Fail{BodyStatus::Malformed};
      line.pop_back();
      return line;
    }
    if (line.size() >= kMaxLine) throw Fail{BodyStatus::Malformed};
    line += static_cast<char>(c);
  }
}

uint64_t chunkSize(const std::string& line) {
  uint64_t size = 0;
  size_t digits = 0;
  for (char c : line) {
    int value = 0;
    if (c >= '0' && c <= '9') {
      value = c - '0';
    } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
      value = (c | 0x20) - 'a' + 10;
    } else if (digits > 0 && (c == ';' || c == ' ' || c == '\t')) {
      return size;  // an extension, which means nothing to us
    } else {
      throw Fail{BodyStatus::Malformed};
    }
    if (++digits > 15) throw Fail{BodyStatus::Malformed};
    size = size * 16 + static_cast<uint64_t>(value);
  }
  if (digits == 0) throw Fail{BodyStatus::Malformed};
  return size;
}

template <typename F>
BodyStatus guarded(F&& read) {
  try {
    read();
    return BodyStatus::Ok;
  } catch (const Fail& fail) {
    return fail.status;
  } catch (const Poco::TimeoutException&) {
    return BodyStatus::TimedOut;
  } catch (...) {
    return BodyStatus::Truncated;
  }
}

}  // namespace

bool BodyPace::late(uint64_t bytes) const {
  return now_ms_() - start_ms_ > grace_ms_ + static_cast<int64_t>(bytes * 1000 / kSlowestPerSecond);
}

BodyStatus readFixedBody(Session& session, uint64_t length, const BodyPace& pace,
                         std::string& out) {
  return guarded([&] { readExactly(session, length, pace, out); });
}

BodyStatus readChunkedBody(Session& session, size_t max_body, const BodyPace& pace,
                           std::string& out) {
  return guarded([&] {
    const auto line = [&] { return readLine(session, pace, out.size()); };
    while (true) {
      const uint64_t size = chunkSize(line());
      if (size == 0) break;
      if (size > max_body - out.size()) throw Fail{BodyStatus::TooLarge};
      readExactly(session, size, pace, out);
      if (!line().empty()) throw Fail{BodyStatus::Malformed};
    }
    for (size_t i = 0; !line().empty(); ++i) {
      if (i >= kMaxTrailers) throw Fail{BodyStatus::Malformed};
    }
  });
}

}  // namespace omni::http
