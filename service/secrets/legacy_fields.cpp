#include "service/secrets/legacy_fields.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>

#include "service/secrets/aes_gcm.hpp"

namespace omni::secrets {
namespace {

constexpr std::string_view kPrefix = "enc:v1:";
constexpr std::string_view kSalt = "omniroute-field-encryption-v1";
constexpr size_t kNonce = 16;

std::optional<std::string> fromHex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string out;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

}  // namespace

std::optional<LegacyField> parseLegacyField(std::string_view text) {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  const size_t first = text.find(':');
  const size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  auto nonce = fromHex(text.substr(0, first));
  auto ciphertext = fromHex(text.substr(first + 1, second - first - 1));
  auto tag = fromHex(text.substr(second + 1));
  if (!nonce || nonce->size() != kNonce || !ciphertext || !tag || tag->size() != kGcmTag)
    return std::nullopt;
  return LegacyField{std::move(*nonce), *ciphertext + *tag};
}

bool OmniRouteFields::sealed(std::string_view field) const {
  return field.starts_with(kPrefix);
}

Result<std::vector<Result<std::string>>> OmniRouteFields::open(
    const std::vector<std::string>& fields, std::string_view storage_key) const {
  std::vector<Result<std::string>> out(fields.begin(), fields.end());
  if (std::none_of(fields.begin(), fields.end(), [&](const auto& f) { return sealed(f); }))
    return out;
  if (storage_key.empty())
    return makeError(FailureKind::BadRequest,
                     "The tokens in this database are encrypted: give OmniRoute's "
                     "STORAGE_ENCRYPTION_KEY (from its .env file) as well.",
                     "storageKey");
  std::string key(32, '\0');
  if (EVP_PBE_scrypt(storage_key.data(), storage_key.size(),
                     reinterpret_cast<const unsigned char*>(kSalt.data()), kSalt.size(), 16384, 8,
                     1, 64u << 20, reinterpret_cast<unsigned char*>(key.data()), key.size()) != 1)
    return makeError(FailureKind::Internal, "The key of the database could not be derived.");
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!sealed(fields[i])) continue;
    const auto parsed = parseLegacyField(fields[i]);
    auto opened = parsed ? gcmOpen(key, parsed->nonce, parsed->sealed, {}) : std::nullopt;
    if (opened)
      out[i] = std::move(*opened);
    else
      out[i] = makeError(FailureKind::BadRequest,
                         "this field cannot be decrypted: the storage key is not the one it was "
                         "encrypted under, or it is damaged",
                         "storageKey");
  }
  OPENSSL_cleanse(key.data(), key.size());
  return out;
}

}  // namespace omni::secrets
