#include "service/secrets/keyed_hash.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>

#include <memory>

namespace omni::secrets {
namespace {

using Digest = std::array<unsigned char, 32>;

std::unexpected<Error> hashFailed() {
  return makeError(FailureKind::Internal,
                   "A hash cannot be computed: the cryptographic library refused.");
}

Result<Digest> hmac(const void* key, size_t key_size, std::string_view data) {
  Digest out{};
  unsigned int size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(data.data());
  // An empty view may hold a null pointer, which HMAC() would take for "go on with the last key".
  static constexpr unsigned char kNothing = 0;
  if (!HMAC(EVP_sha256(), key_size ? key : &kNothing, static_cast<int>(key_size),
            bytes ? bytes : &kNothing, data.size(), out.data(), &size) ||
      size != out.size())
    return hashFailed();
  return out;
}

std::string hex(const Digest& digest) {
  std::string out;
  for (const unsigned char byte : digest) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

struct FreeKdf {
  void operator()(EVP_KDF* kdf) const noexcept { EVP_KDF_free(kdf); }
  void operator()(EVP_KDF_CTX* context) const noexcept { EVP_KDF_CTX_free(context); }
};

}  // namespace

Result<HmacKeyedHash> HmacKeyedHash::derive(const MasterKey& key) {
  HmacKeyedHash out;
  char digest[] = "SHA256";
  char info[] = "omniroute keyed hash v1";
  std::unique_ptr<EVP_KDF, FreeKdf> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  std::unique_ptr<EVP_KDF_CTX, FreeKdf> context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_octet_string(
          OSSL_KDF_PARAM_KEY, const_cast<unsigned char*>(key.bytes().data()), key.bytes().size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof(info) - 1),
      OSSL_PARAM_construct_end()};
  if (!context ||
      EVP_KDF_derive(context.get(), out.root_.data(), out.root_.size(), parameters) != 1)
    return hashFailed();
  return out;
}

HmacKeyedHash::HmacKeyedHash(HmacKeyedHash&& other) noexcept : root_(other.root_) {
  OPENSSL_cleanse(other.root_.data(), other.root_.size());
}

HmacKeyedHash::~HmacKeyedHash() {
  OPENSSL_cleanse(root_.data(), root_.size());
}

Result<std::string> HmacKeyedHash::keyedHash(std::string_view purpose, std::string_view data) {
  auto key = hmac(root_.data(), root_.size(), purpose);
  if (!key) return std::unexpected(std::move(key.error()));
  auto digest = hmac(key->data(), key->size(), data);
  OPENSSL_cleanse(key->data(), key->size());
  if (!digest) return std::unexpected(std::move(digest.error()));
  return hex(*digest);
}

Result<std::string> hmacSha256Hex(std::string_view key, std::string_view data) {
  auto digest = hmac(key.data(), key.size(), data);
  if (!digest) return std::unexpected(std::move(digest.error()));
  return hex(*digest);
}

}  // namespace omni::secrets
