#pragma once
// Backups of everything the service keeps, and bringing one back. Implemented by service/app, which
// has both the database and the key that its secrets are sealed under.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace omni {

// What a backup holds.
struct BackupSummary {
  int64_t created_ms = 0;  // Unix ms
  std::string version;     // of the service that made it
  int schema = 0;          // of its database
  int connections = 0;
};

// Thread-safe. A backup is one JSON object, sealed as an export bundle is (scrypt, AES-256-GCM). It
// holds the database without the log of single requests, and the master key, so that it opens on
// another machine.
class Backups {
 public:
  virtual ~Backups() = default;
  // A copy of one moment, taken while requests go on. BadRequest (field "passphrase") when that is
  // shorter than 12 bytes; Unavailable when the disk has no room for the copy.
  virtual Result<std::string> make(std::string_view passphrase) = 0;
  // Opens and checks a backup, and lays it beside the database: the next start puts it in the
  // database's place and keeps what was there. Replaces one that was laid there before. BadRequest
  // (field "backup" or "passphrase"), Conflict when the key cannot be put in place; then nothing
  // was changed.
  virtual Result<BackupSummary> stage(std::string_view backup, std::string_view passphrase) = 0;
  // What the next start will bring back.
  virtual std::optional<BackupSummary> staged() = 0;
  // Forgets it. NotFound when nothing is staged.
  virtual Result<> unstage() = 0;
};

}  // namespace omni
