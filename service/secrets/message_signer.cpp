#include "service/secrets/message_signer.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>

#include "service/secrets/keyed_hash.hpp"

namespace omni::secrets {
namespace {

constexpr std::string_view kPrefix = "whsec_";
constexpr size_t kSecretBytes = 32;

const unsigned char* bytesOf(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string toBase64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytesOf(bytes),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

// Empty: not base64.
std::string fromBase64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return {};
  std::string out(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytesOf(text),
                                   static_cast<int>(text.size()));
  if (size < 0) return {};
  size_t padding = 0;
  while (padding < 2 && text[text.size() - 1 - padding] == '=') ++padding;
  out.resize(static_cast<size_t>(size) - padding);
  return out;
}

int nibble(char c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

}  // namespace

Result<std::string> StandardWebhookSigner::newSecret() {
  std::string bytes(kSecretBytes, '\0');
  random_.fill(bytes.data(), bytes.size());
  std::string out = std::string(kPrefix) + toBase64(bytes);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return out;
}

Result<std::string> StandardWebhookSigner::sign(std::string_view secret, std::string_view id,
                                                int64_t seconds, std::string_view body) {
  std::string key = secret.starts_with(kPrefix) ? fromBase64(secret.substr(kPrefix.size())) : "";
  if (key.empty())
    return makeError(FailureKind::Internal,
                     "The webhook's secret is of no known form: give it a new one.");
  const auto hex = hmacSha256Hex(key, fmt::format("{}.{}.{}", id, seconds, body));
  OPENSSL_cleanse(key.data(), key.size());
  if (!hex) return std::unexpected(hex.error());
  std::string digest;
  for (size_t i = 0; i + 1 < hex->size(); i += 2)
    digest += static_cast<char>(nibble((*hex)[i]) * 16 + nibble((*hex)[i + 1]));
  return "v1," + toBase64(digest);
}

}  // namespace omni::secrets
