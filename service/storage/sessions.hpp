#pragma once
// The two SQLite sessions that every store of this folder shares: one writes, one reads.

#include <Poco/Data/Session.h>

#include <filesystem>
#include <mutex>
#include <string_view>
#include <utility>

#include "service/storage/database.hpp"

namespace omni::storage {

// Thread-safe: each session is behind its own mutex. Readers see the last commit and never wait for
// a writer. `work` takes a Poco::Data::Session& and returns a Result; Poco's exceptions become
// databaseError(), others roll back and fly on.
class Sessions {
 public:
  Sessions(std::filesystem::path path, Poco::Data::Session writer, Poco::Data::Session reader)
      : path_(std::move(path)), writer_(std::move(writer)), reader_(std::move(reader)) {}

  const std::filesystem::path& path() const { return path_; }

  // One durable transaction: committed when `work` succeeds, else rolled back.
  template <typename Work>
  auto write(Work&& work) -> decltype(work(std::declval<Poco::Data::Session&>())) {
    // IMMEDIATE: a deferred transaction that turns into a writer late can fail with "busy" halfway.
    return inTransaction(writer_mutex_, writer_, "BEGIN IMMEDIATE", "cannot be written", true,
                         work);
  }

  // Several SELECTs of one answer see the same commit.
  template <typename Work>
  auto read(Work&& work) -> decltype(work(std::declval<Poco::Data::Session&>())) {
    return inTransaction(reader_mutex_, reader_, "BEGIN", "cannot be read", false, work);
  }

 private:
  template <typename Work>
  auto inTransaction(std::mutex& mutex, Poco::Data::Session& session, const char* begin,
                     std::string_view doing, bool keep, Work& work)
      -> decltype(work(std::declval<Poco::Data::Session&>())) {
    const std::lock_guard lock(mutex);
    try {
      run(session, begin);
      auto result = work(session);
      if (keep && result) {
        run(session, "COMMIT");
      } else {
        rollback(session);
      }
      return result;
    } catch (const Poco::Exception& cause) {
      rollback(session);
      return std::unexpected(databaseError(path_, doing, cause));
    } catch (...) {
      rollback(session);
      throw;
    }
  }

  std::filesystem::path path_;
  std::mutex writer_mutex_;
  Poco::Data::Session writer_;
  std::mutex reader_mutex_;
  Poco::Data::Session reader_;
};

}  // namespace omni::storage
