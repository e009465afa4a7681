#include "service/secrets/master_key.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <string>
#include <system_error>

#include "service/secrets/key_file.hpp"

namespace omni::secrets {

namespace fs = std::filesystem;

std::unexpected<Error> keyError(std::string reason, std::string message) {
  auto error = makeError(FailureKind::Unavailable, std::move(message));
  error.error().reason = std::move(reason);
  return error;
}

KeyBytes::~KeyBytes() {
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

MasterKey::MasterKey(std::span<const unsigned char, kSize> bytes) : bytes_(new Bytes{}) {
  keepInMemory(bytes_.get(), sizeof(Bytes));
  std::copy(bytes.begin(), bytes.end(), bytes_->begin());
}

void MasterKey::Wipe::operator()(Bytes* bytes) const noexcept {
  OPENSSL_cleanse(bytes->data(), bytes->size());
  letGo(bytes, sizeof(Bytes));
  delete bytes;
}

Result<MasterKey> loadOrCreateMasterKey(const fs::path& given, bool sealed_data_exists) {
  std::error_code code;
  const fs::path path = fs::absolute(given, code);
  if (given.empty() || code)
    return keyError("master_key_path", "No usable path of a master key file is configured.");

  // Twice at most: the second time only when another process made the file between our look and our
  // attempt.
  for (int attempt = 0; attempt < 2; ++attempt) {
    KeyBytes key;
    const auto found = readKeyFile(path, key);
    if (!found) return std::unexpected(found.error());
    if (*found && key.size == MasterKey::kSize) return MasterKey(key.key());
    if (*found) {
      return keyError(
          "master_key_size",
          fmt::format(
              "The master key file {} does not hold exactly {} bytes. {}", path.string(),
              MasterKey::kSize,
              sealed_data_exists
                  ? "Restore it from your backup: the stored secrets open with no other key."
                  : "Nothing is sealed under it yet: remove the file, and the next start "
                    "makes a new key."));
    }
    if (sealed_data_exists) {
      return keyError(
          "master_key_missing",
          fmt::format(
              "The master key file {} is missing, but the database holds secrets sealed under it. "
              "Restore the file from your backup, or point the configuration at it. Without it "
              "move the database away and import the accounts again.",
              path.string()));
    }
    if (RAND_bytes(key.bytes.data(), MasterKey::kSize) != 1) {
      return keyError("master_key_random",
                      "The system gives no random bytes, so no master key can be made.");
    }
    const auto made = createKeyFile(path, key.key());
    if (!made) return std::unexpected(made.error());
    if (*made) return MasterKey(key.key());
  }
  return keyError("master_key_io",
                  fmt::format("The master key file {} appears and disappears.", path.string()));
}

}  // namespace omni::secrets
