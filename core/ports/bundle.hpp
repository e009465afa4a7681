#pragma once
// Moving accounts between machines and out of other programs: ciphers and readers for what is
// carried. Ciphers are implemented by service/secrets, the database reader by service/storage.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"

namespace omni {

// Seals under a passphrase. Thread-safe; each call takes about a tenth of a second and 32 MiB, on
// purpose.
class BundleCipher {
 public:
  virtual ~BundleCipher() = default;
  // A JSON object of one line. BadRequest (field "passphrase") when it is shorter than 12 bytes.
  virtual Result<std::string> seal(std::string_view plaintext, std::string_view passphrase) = 0;
  // BadRequest: field "bundle" for what is no bundle or of a newer version, field "passphrase" for
  // a wrong one or a damaged bundle (which look the same).
  virtual Result<std::string> open(std::string_view envelope, std::string_view passphrase) = 0;
};

// OmniRoute's encrypted fields, "enc:v1:<iv>:<ciphertext>:<tag>" in hexadecimal.
class LegacyFields {
 public:
  virtual ~LegacyFields() = default;
  virtual bool sealed(std::string_view field) const = 0;
  // Opens all with one derivation of the key; plain ones come back as they are, empty ones empty,
  // and unreadable ones as errors. BadRequest (field "storageKey") when the key is empty.
  virtual Result<std::vector<Result<std::string>>> open(const std::vector<std::string>& fields,
                                                        std::string_view storage_key) const = 0;
};

// One account as another program stores it.
struct ForeignRow {
  std::string id;
  std::string provider;
  std::string auth_type;
  std::string name;
  std::string email;
  std::string access_token;   // may be sealed (LegacyFields)
  std::string refresh_token;  // may be sealed
  std::string api_key;        // may be sealed
  std::string expires_at;
  std::string data;  // JSON object: the provider's own fields
  bool active = true;
};

class ForeignDatabase {
 public:
  virtual ~ForeignDatabase() = default;
  // The accounts in the bytes of an SQLite file: OmniRoute's table provider_connections or
  // 9router's providerConnections. Nothing in the file is trusted: it is opened read-only from a
  // private copy, no view or trigger of it runs. BadRequest (field "body") for what is no such
  // database, or damaged. Thread-safe.
  virtual Result<std::vector<ForeignRow>> read(std::string_view bytes) = 0;
};

}  // namespace omni
