#pragma once
// New secrets that the store could not write (a full disk). Whoever rotated the token will not take
// the old one again, so dropping the new one would lose the account: they are kept in memory until
// they are written.

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/ports/store.hpp"

namespace omni::plugins {

class Generations;

// Thread-safe.
class Unwritten {
 public:
  // Writes the changes together with what waits for this account; what cannot be written and holds
  // a secret waits on. `generation`: of the call, see Generations; the caller has checked it.
  Result<> commit(ConnectionStore& store, std::string_view id, uint64_t generation,
                  const std::vector<ValueChange>& changes);
  // Another try for what waits. Success when nothing waits (any more): it was written, or the
  // account was signed in anew or removed meanwhile.
  Result<> flush(ConnectionStore& store, const Generations& generations, std::string_view id);
  // The same for all accounts; what cannot be written now is lost with the process.
  void flushAll(ConnectionStore& store, const Generations& generations);
  // What waits for a key. false: nothing does.
  bool find(std::string_view id, uint64_t generation, std::string_view key,
            std::optional<std::string>& value) const;

 private:
  struct Waiting {
    uint64_t generation = 0;
    std::map<std::string, ValueChange, std::less<>> changes;
  };
  static std::vector<ValueChange> merged(const Waiting& waiting,
                                         const std::vector<ValueChange>& changes);

  std::atomic<size_t> count_{0};  // nearly always 0: then nobody waits for the lock
  // Held while writing, so that an old value never follows a newer one.
  mutable std::mutex mutex_;
  std::map<std::string, Waiting, std::less<>> waiting_;
};

}  // namespace omni::plugins
