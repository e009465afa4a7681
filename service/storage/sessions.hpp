#pragma once
// The two SQLite sessions that every store of this folder shares: one writes, one reads.

#include <Poco/Data/Session.h>

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "service/storage/database.hpp"
#include "service/storage/file_moves.hpp"

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

  // Can changes be stored? After a write has failed for the disk's sake, the disk and then a write
  // that changes nothing are tried, so that the answer is of now.
  Result<> storable() {
    if (!trouble()) return {};
    // A small write may still fit into the log's old pages; the next account would not.
    std::filesystem::path probe = path_;
    probe += ".probe";
    if (auto room = writeFileDurably(probe, std::string(kProbe, '\0')); !room) return room;
    std::error_code ignored;
    std::filesystem::remove(probe, ignored);
    auto tried = write([](Poco::Data::Session& session) -> Result<> {
      run(session, "UPDATE meta SET value=value WHERE key='key_check'");
      return {};
    });
    if (tried) wrote(std::nullopt);
    return tried;
  }

 private:
  static constexpr size_t kProbe = 64 * 1024;

  std::optional<Error> trouble() {
    const std::lock_guard lock(trouble_mutex_);
    return trouble_;
  }
  void wrote(std::optional<Error> failure) {
    const std::lock_guard lock(trouble_mutex_);
    trouble_ = std::move(failure);
  }

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
      Error error = databaseError(path_, doing, cause);
      // An error of ours (storage_error) says nothing about the disk.
      if (keep && error.reason != "storage_error") wrote(error);
      return std::unexpected(std::move(error));
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
  std::mutex trouble_mutex_;
  std::optional<Error> trouble_;  // why the last write failed
};

}  // namespace omni::storage
