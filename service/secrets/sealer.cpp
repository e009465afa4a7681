#include "service/secrets/sealer.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <limits>
#include <memory>
#include <optional>
#include <vector>

namespace omni::secrets {
namespace {

constexpr std::string_view kVersion = "v1:";
constexpr size_t kNonceSize = 12;
constexpr size_t kTagSize = 16;
constexpr size_t kMaxSize =
    std::numeric_limits<int>::max() / 4;  // EVP counts in int, base64 needs a third more

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::unexpected<Error> sealFailed() {
  return makeError(FailureKind::Internal,
                   "A secret cannot be encrypted: the cryptographic library refused.");
}

std::unexpected<Error> openFailed() {
  auto error = makeError(FailureKind::Internal,
                         "cannot be decrypted: wrong master key, or the data was damaged");
  error.error().reason = "unseal_failed";
  return error;
}

std::optional<std::vector<unsigned char>> decode(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0 || text.size() > kMaxSize) return std::nullopt;
  std::vector<unsigned char> bytes(text.size() / 4 * 3);
  const int size = EVP_DecodeBlock(bytes.data(), raw(text), static_cast<int>(text.size()));
  if (size < 0 || static_cast<size_t>(size) != bytes.size()) return std::nullopt;
  // EVP_DecodeBlock counts the bytes that padding stands for.
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  bytes.resize(bytes.size() - padding);
  return bytes;
}

}  // namespace

Result<std::string> AesGcmSealer::seal(std::string_view plaintext, std::string_view context) {
  if (plaintext.size() > kMaxSize || context.size() > kMaxSize) return sealFailed();
  std::vector<unsigned char> bytes(kNonceSize + plaintext.size() + kTagSize);
  unsigned char* const nonce = bytes.data();
  unsigned char* const body = nonce + kNonceSize;
  unsigned char* const tag = body + plaintext.size();

  CipherContext cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  if (!cipher || RAND_bytes(nonce, kNonceSize) != 1 ||
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key_.bytes().data(), nonce) !=
          1 ||
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, raw(context),
                        static_cast<int>(context.size())) != 1 ||
      EVP_EncryptUpdate(cipher.get(), body, &size, raw(plaintext),
                        static_cast<int>(plaintext.size())) != 1 ||
      EVP_EncryptFinal_ex(cipher.get(), tag, &size) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagSize, tag) != 1) {
    return sealFailed();
  }

  std::string text(kVersion);
  text.resize(kVersion.size() + (bytes.size() + 2) / 3 * 4 + 1);  // EVP_EncodeBlock ends with a NUL
  const int written =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data() + kVersion.size()), bytes.data(),
                      static_cast<int>(bytes.size()));
  text.resize(kVersion.size() + static_cast<size_t>(written));
  return text;
}

Result<std::string> AesGcmSealer::open(std::string_view sealed, std::string_view context) {
  if (!sealed.starts_with(kVersion) || context.size() > kMaxSize) return openFailed();
  auto bytes = decode(sealed.substr(kVersion.size()));
  if (!bytes || bytes->size() < kNonceSize + kTagSize) return openFailed();
  const unsigned char* const nonce = bytes->data();
  const unsigned char* const body = nonce + kNonceSize;
  const size_t body_size = bytes->size() - kNonceSize - kTagSize;
  unsigned char* const tag = bytes->data() + kNonceSize + body_size;

  std::string plaintext(body_size, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(plaintext.data());
  CipherContext cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  if (!cipher ||
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key_.bytes().data(), nonce) !=
          1 ||
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, raw(context),
                        static_cast<int>(context.size())) != 1 ||
      EVP_DecryptUpdate(cipher.get(), out, &size, body, static_cast<int>(body_size)) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, tag) != 1 ||
      EVP_DecryptFinal_ex(cipher.get(), out + body_size, &size) != 1) {
    OPENSSL_cleanse(plaintext.data(), plaintext.size());  // not authenticated
    return openFailed();
  }
  return plaintext;
}

}  // namespace omni::secrets
