#include "service/secrets/aes_gcm.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <climits>
#include <memory>

namespace omni::secrets {
namespace {

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
bool fits(std::string_view text) {
  return text.size() < INT_MAX / 2;
}

}  // namespace

std::optional<std::string> gcmSeal(std::string_view key, std::string_view nonce,
                                   std::string_view plaintext, std::string_view aad) {
  if (key.size() != 32 || nonce.empty() || !fits(plaintext) || !fits(aad)) return std::nullopt;
  Context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  std::string out(plaintext.size() + kGcmTag, '\0');
  int size = 0, last = 0;
  const bool done =
      context && EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, nullptr, nullptr) &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(nonce.size()),
                          nullptr) &&
      EVP_EncryptInit_ex(context.get(), nullptr, nullptr, bytes(key), bytes(nonce)) &&
      EVP_EncryptUpdate(context.get(), nullptr, &size, bytes(aad), static_cast<int>(aad.size())) &&
      EVP_EncryptUpdate(context.get(), bytes(out), &size, bytes(plaintext),
                        static_cast<int>(plaintext.size())) &&
      EVP_EncryptFinal_ex(context.get(), bytes(out) + size, &last) &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kGcmTag,
                          bytes(out) + plaintext.size());
  if (!done) return std::nullopt;
  return out;
}

std::optional<std::string> gcmOpen(std::string_view key, std::string_view nonce,
                                   std::string_view sealed, std::string_view aad) {
  if (key.size() != 32 || nonce.empty() || sealed.size() < kGcmTag || !fits(sealed) || !fits(aad))
    return std::nullopt;
  const std::string_view ciphertext = sealed.substr(0, sealed.size() - kGcmTag);
  std::string tag(sealed.substr(ciphertext.size()));
  Context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  std::string out(ciphertext.size() + 1, '\0');
  int size = 0, last = 0;
  const bool done =
      context && EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, nullptr, nullptr) &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(nonce.size()),
                          nullptr) &&
      EVP_DecryptInit_ex(context.get(), nullptr, nullptr, bytes(key), bytes(nonce)) &&
      EVP_DecryptUpdate(context.get(), nullptr, &size, bytes(aad), static_cast<int>(aad.size())) &&
      EVP_DecryptUpdate(context.get(), bytes(out), &size, bytes(ciphertext),
                        static_cast<int>(ciphertext.size())) &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kGcmTag, bytes(tag)) &&
      EVP_DecryptFinal_ex(context.get(), bytes(out) + size, &last) == 1;
  if (!done) {
    OPENSSL_cleanse(out.data(), out.size());
    return std::nullopt;
  }
  out.resize(ciphertext.size());
  return out;
}

}  // namespace omni::secrets
