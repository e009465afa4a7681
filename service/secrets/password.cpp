#include "service/secrets/password.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <charconv>
#include <vector>

namespace omni::secrets {
namespace {

constexpr size_t kSaltSize = 16;
constexpr size_t kHashSize = 32;
constexpr uint64_t kMaxMemory = 256u << 20;

struct Cost {
  int log2_n = 15;
  int r = 8;
  int p = 1;
};

using Bytes = std::vector<unsigned char>;

Result<Bytes> scrypt(std::string_view password, const Bytes& salt, const Cost& cost) {
  Bytes out(kHashSize);
  if (EVP_PBE_scrypt(password.data(), password.size(), salt.data(), salt.size(),
                     uint64_t{1} << cost.log2_n, static_cast<uint64_t>(cost.r),
                     static_cast<uint64_t>(cost.p), kMaxMemory, out.data(), out.size()) != 1)
    return makeError(FailureKind::Internal,
                     "The password cannot be hashed: the cryptographic library refused.");
  return out;
}

std::string hex(const Bytes& bytes) {
  std::string out;
  for (const unsigned char byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

bool fromHex(std::string_view text, Bytes& out) {
  if (text.size() % 2 != 0) return false;
  out.resize(text.size() / 2);
  for (size_t i = 0; i < out.size(); ++i) {
    const char* at = text.data() + i * 2;
    if (std::from_chars(at, at + 2, out[i], 16).ptr != at + 2) return false;
  }
  return true;
}

bool number(std::string_view text, int& out, int max) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc() && end == text.data() + text.size() && out >= 1 && out <= max;
}

}  // namespace

Result<std::string> ScryptHasher::hashPassword(std::string_view password) {
  Cost cost;
  cost.log2_n = log2_n_;
  Bytes salt(kSaltSize);
  random_.fill(salt.data(), salt.size());
  auto hash = scrypt(password, salt, cost);
  if (!hash) return std::unexpected(std::move(hash.error()));
  return fmt::format("scrypt${}${}${}${}${}", cost.log2_n, cost.r, cost.p, hex(salt), hex(*hash));
}

Result<bool> ScryptHasher::verifyPassword(std::string_view password, std::string_view stored) {
  std::vector<std::string_view> parts;
  for (std::string_view left = stored;;) {
    const size_t end = left.find('$');
    parts.push_back(left.substr(0, end));
    if (end == std::string_view::npos) break;
    left.remove_prefix(end + 1);
  }
  Cost cost;
  Bytes salt, expected;
  if (parts.size() != 6 || parts[0] != "scrypt" || !number(parts[1], cost.log2_n, 20) ||
      !number(parts[2], cost.r, 16) || !number(parts[3], cost.p, 16) || !fromHex(parts[4], salt) ||
      !fromHex(parts[5], expected) || expected.size() != kHashSize)
    return makeError(FailureKind::Internal,
                     "The stored password hash is damaged; restore the database from a copy.");
  auto hash = scrypt(password, salt, cost);
  if (!hash) return std::unexpected(std::move(hash.error()));
  return CRYPTO_memcmp(hash->data(), expected.data(), kHashSize) == 0;
}

}  // namespace omni::secrets
