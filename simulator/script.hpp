#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/http.hpp"
#include "simulator/json.hpp"

// What the test has asked for: scripted turns and faults; and what the clients have sent.
namespace omni::sim {

struct Fault {
  int id = 0;
  std::string target;
  std::string account;  // empty: anybody
  std::string mode;     // status | reset_before_headers | reset_after_headers | slow | late | stall
  int status = 500;
  std::string body;
  HeaderList headers;
  std::int64_t count = 1;  // -1: until removed
  int delay_ms = 2000;
};

class Script {
 public:
  // A turn stays JSON until it is played; "repeat" counts plays, -1 for ever.
  void addTurn(json::object turn);
  void clearTurns();
  std::optional<json::object> takeTurn(const std::string& account);

  json::object addFault(const json::object& spec);
  void clearFaults();
  // The first fault that fits, and counts it.
  std::optional<Fault> takeFault(const std::vector<std::string>& targets,
                                 const std::string& account);
  bool anyFault() const { return fault_count_.load(std::memory_order_relaxed) != 0; }

  json::object state() const;
  void clear();

 private:
  mutable std::mutex mutex_;
  std::list<json::object> turns_;
  std::vector<Fault> faults_;
  std::atomic<std::size_t> turn_count_{0};
  std::atomic<std::size_t> fault_count_{0};
  int next_fault_ = 1;
};

class Recorder {
 public:
  void record(const Request& request, std::int64_t now);
  json::array list() const;
  void clear();

 private:
  struct Entry {
    std::uint64_t number;
    std::int64_t at;
    Request request;
    bool truncated;
  };
  mutable std::mutex mutex_;
  std::deque<Entry> entries_;
  std::uint64_t next_ = 1;
};

}  // namespace omni::sim
