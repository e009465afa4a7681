#include "sdk/check/child.hpp"

#if !defined(_WIN32)
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#endif

#include <exception>
#include <string>

namespace omni::check {
namespace {

Finding guarded(const std::function<Finding()>& body) {
  try {
    return body();
  } catch (const std::exception& error) {
    return failed(std::string("an exception crossed the boundary: ") + error.what());
  } catch (...) {
    return failed("an unknown exception crossed the boundary");
  }
}

}  // namespace

#if defined(_WIN32)

Finding runApart(const std::function<Finding()>& body, int) {
  return guarded(body);
}

#else

namespace {

[[noreturn]] void childMain(const std::function<Finding()>& body, int out) {
  const Finding finding = guarded(body);
  const std::string record =
      static_cast<char>('0' + static_cast<int>(finding.outcome)) + finding.message;
  size_t done = 0;
  while (done < record.size()) {
    const ssize_t n = write(out, record.data() + done, record.size() - done);
    if (n < 0 && errno != EINTR) break;
    if (n > 0) done += static_cast<size_t>(n);
  }
  _exit(0);  // no destructors, no exit handlers: they are not what is checked here
}

// Everything the child wrote until it closed the pipe; false when the time was up before.
bool readUntilEnd(int in, int timeout_ms, std::string& out) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  char buffer[4096];
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd wait{in, POLLIN, 0};
    const int ready = poll(&wait, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
    if (ready == 0) return false;
    if (ready < 0 && errno == EINTR) continue;
    const ssize_t n = read(in, buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return true;
    out.append(buffer, static_cast<size_t>(n));
  }
}

}  // namespace

Finding runApart(const std::function<Finding()>& body, int timeout_ms) {
  int ends[2];
  if (pipe(ends) != 0) return failed(std::string("no pipe: ") + std::strerror(errno));
  const pid_t child = fork();
  if (child < 0) {
    close(ends[0]);
    close(ends[1]);
    return failed(std::string("no child process: ") + std::strerror(errno));
  }
  if (child == 0) {
    close(ends[0]);
    childMain(body, ends[1]);
  }
  close(ends[1]);
  std::string record;
  const bool ended = readUntilEnd(ends[0], timeout_ms, record);
  close(ends[0]);
  if (!ended) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) return failed("it did not return within " + std::to_string(timeout_ms) + " ms");
  if (WIFSIGNALED(status)) return failed(std::string("it crashed: ") + strsignal(WTERMSIG(status)));
  if (record.empty())
    return failed("it ended the process with exit code " + std::to_string(WEXITSTATUS(status)));
  return {static_cast<Outcome>(record[0] - '0'), record.substr(1)};
}

#endif

}  // namespace omni::check
