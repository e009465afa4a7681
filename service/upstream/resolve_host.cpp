#include "service/upstream/resolve_host.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/DNS.h>
#include <Poco/Net/HostEntry.h>
#include <Poco/Net/IPAddress.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

namespace omni::upstream {

namespace {

constexpr std::chrono::milliseconds kCancelPoll{250};

struct Lookup {
  std::mutex mutex;
  std::condition_variable finished;
  bool done = false;
  std::vector<std::string> addresses;
  std::string problem;
};

// Outlives every look-up that was given up: such a thread may end during the process's last steps.
std::atomic<int>& running() {
  static auto* count = new std::atomic<int>(0);
  return *count;
}

void look(const std::shared_ptr<Lookup>& lookup, const std::string& host) {
  std::vector<std::string> addresses;
  std::string problem;
  try {
    const auto entry = Poco::Net::DNS::hostByName(host);
    for (const auto& address : entry.addresses()) addresses.push_back(address.toString());
    if (addresses.empty()) problem = "the name has no address";
  } catch (const Poco::Exception& error) {
    problem = error.message().empty() ? std::string(error.name()) : error.displayText();
  } catch (const std::exception& error) {
    problem = error.what();
  }
  --running();
  const std::lock_guard lock(lookup->mutex);
  lookup->addresses = std::move(addresses);
  lookup->problem = std::move(problem);
  lookup->done = true;
  lookup->finished.notify_all();
}

}  // namespace

Result<std::vector<std::string>> resolveHost(const std::string& host,
                                             std::chrono::steady_clock::time_point deadline,
                                             const CancelToken& cancel) {
  Poco::Net::IPAddress literal;
  if (Poco::Net::IPAddress::tryParse(host, literal)) return std::vector{literal.toString()};
  if (++running() > kMaxLookups) {
    --running();
    return makeError(FailureKind::Network,
                     "too many name look-ups are waiting: the system's resolver does not answer");
  }
  auto lookup = std::make_shared<Lookup>();
  try {
    std::thread([lookup, host] { look(lookup, host); }).detach();
  } catch (const std::system_error&) {
    --running();
    return makeError(FailureKind::Network, "no thread is left for looking up the name");
  }
  std::unique_lock lock(lookup->mutex);
  while (!lookup->done) {
    if (cancel.cancelled()) return makeError(FailureKind::Cancelled, "the request was cancelled");
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline)
      return makeError(FailureKind::Timeout, "the name was not resolved in time");
    lookup->finished.wait_until(lock, std::min(deadline, now + kCancelPoll));
  }
  if (!lookup->problem.empty()) return makeError(FailureKind::Network, lookup->problem);
  return std::move(lookup->addresses);
}

}  // namespace omni::upstream
