#include "service/secrets/bundle.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <boost/json.hpp>
#include <optional>

#include "service/secrets/aes_gcm.hpp"

namespace omni::secrets {
namespace {

namespace json = boost::json;

constexpr int64_t kVersion = 1;
constexpr uint64_t kN = 1u << 15;
constexpr uint32_t kR = 8;
constexpr uint32_t kP = 1;
constexpr uint64_t kMaxN = 1u << 17;
constexpr uint32_t kMaxR = 8;
constexpr uint32_t kMaxP = 4;
constexpr size_t kSalt = 16;
constexpr size_t kNonce = 12;
constexpr size_t kShortestPassphrase = 12;
constexpr size_t kMaxMemory = 192u << 20;

std::unexpected<Error> noBundle(BundleKind kind, std::string_view why) {
  return makeError(FailureKind::BadRequest,
                   fmt::format("This is no usable {}: {}.", kind.word, why),
                   std::string(kind.word));
}

std::string encode(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

std::optional<std::string> decode(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  // OpenSSL would skip blanks at the ends and take '=' anywhere in the last group.
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  for (char c : text.substr(0, text.size() - padding)) {
    const bool digit = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (!digit && c != '+' && c != '/') return std::nullopt;
  }
  std::string out(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  out.resize(static_cast<size_t>(size) - padding);
  return out;
}

std::optional<std::string> deriveKey(const BundleEnvelope& envelope, std::string_view passphrase) {
  std::string key(32, '\0');
  if (EVP_PBE_scrypt(passphrase.data(), passphrase.size(),
                     reinterpret_cast<const unsigned char*>(envelope.salt.data()),
                     envelope.salt.size(), envelope.n, envelope.r, envelope.p, kMaxMemory,
                     reinterpret_cast<unsigned char*>(key.data()), key.size()) != 1)
    return std::nullopt;
  return key;
}

std::string authenticated(const BundleEnvelope& envelope, BundleKind kind) {
  return fmt::format("{}/{}/scrypt/{}/{}/{}/{}/aes-256-gcm/{}", kind.format, kVersion, envelope.n,
                     envelope.r, envelope.p, encode(envelope.salt), encode(envelope.nonce));
}

}  // namespace

Result<BundleEnvelope> parseBundleEnvelope(std::string_view text, BundleKind kind) {
  boost::system::error_code problem;
  json::parse_options options;
  options.max_depth = 4;
  const json::value value = json::parse(text, problem, {}, options);
  const json::object* object = problem ? nullptr : value.if_object();
  if (object == nullptr) return noBundle(kind, "it is no JSON object");
  const auto member = [&](std::string_view key) -> std::string_view {
    const json::value* found = object->if_contains(key);
    if (found == nullptr || !found->is_string()) return {};
    return {found->get_string().data(), found->get_string().size()};
  };
  const auto number = [&](std::string_view key) -> uint64_t {
    const json::value* found = object->if_contains(key);
    if (found == nullptr || !found->is_int64() || found->get_int64() < 0) return 0;
    return static_cast<uint64_t>(found->get_int64());
  };
  if (member("format") != kind.format)
    return noBundle(kind, fmt::format("its format is not {}", kind.format));
  if (number("version") != kVersion)
    return noBundle(kind, "its version is not 1; a newer OmniRoute may know it");
  if (member("kdf") != "scrypt" || member("cipher") != "aes-256-gcm")
    return noBundle(kind, "its kdf or cipher is unknown");
  const uint64_t n = number("n"), r = number("r"), p = number("p");
  if (n < 2 || n > kMaxN || (n & (n - 1)) != 0 || r < 1 || r > kMaxR || p < 1 || p > kMaxP)
    return noBundle(kind, "its cost (n, r, p) is out of range");
  auto salt = decode(member("salt"));
  auto nonce = decode(member("nonce"));
  auto data = decode(member("data"));
  if (!salt || salt->size() != kSalt || !nonce || nonce->size() != kNonce || !data ||
      data->size() < kGcmTag)
    return noBundle(kind, "its salt, nonce or data are damaged");
  BundleEnvelope out;
  out.n = n;
  out.r = static_cast<uint32_t>(r);
  out.p = static_cast<uint32_t>(p);
  out.salt = std::move(*salt);
  out.nonce = std::move(*nonce);
  out.data = std::move(*data);
  return out;
}

Result<std::string> ScryptBundleCipher::seal(std::string_view plaintext,
                                             std::string_view passphrase) {
  if (passphrase.size() < kShortestPassphrase)
    return makeError(
        FailureKind::BadRequest,
        fmt::format(
            "\"passphrase\" must have at least {} characters: whoever has the {} and guesses "
            "it has the accounts.",
            kShortestPassphrase, kind_.word),
        "passphrase");
  BundleEnvelope envelope{kN, kR, kP, std::string(kSalt, '\0'), std::string(kNonce, '\0'), {}};
  for (std::string* random : {&envelope.salt, &envelope.nonce})
    if (RAND_bytes(reinterpret_cast<unsigned char*>(random->data()),
                   static_cast<int>(random->size())) != 1)
      return makeError(FailureKind::Internal, "The system gives no random numbers.");
  auto key = deriveKey(envelope, passphrase);
  if (!key) return makeError(FailureKind::Internal, "The bundle's key could not be derived.");
  auto sealed = gcmSeal(*key, envelope.nonce, plaintext, authenticated(envelope, kind_));
  OPENSSL_cleanse(key->data(), key->size());
  if (!sealed) return makeError(FailureKind::Internal, "The bundle could not be sealed.");
  return json::serialize(json::object{{"format", kind_.format},
                                      {"version", kVersion},
                                      {"kdf", "scrypt"},
                                      {"n", envelope.n},
                                      {"r", envelope.r},
                                      {"p", envelope.p},
                                      {"salt", encode(envelope.salt)},
                                      {"cipher", "aes-256-gcm"},
                                      {"nonce", encode(envelope.nonce)},
                                      {"data", encode(*sealed)}});
}

Result<std::string> ScryptBundleCipher::open(std::string_view text, std::string_view passphrase) {
  auto envelope = parseBundleEnvelope(text, kind_);
  if (!envelope) return std::unexpected(std::move(envelope.error()));
  auto key = deriveKey(*envelope, passphrase);
  if (!key) return makeError(FailureKind::Internal, "The bundle's key could not be derived.");
  auto opened = gcmOpen(*key, envelope->nonce, envelope->data, authenticated(*envelope, kind_));
  OPENSSL_cleanse(key->data(), key->size());
  if (!opened)
    return makeError(
        FailureKind::BadRequest,
        fmt::format("The passphrase is wrong, or the {} was damaged on its way.", kind_.word),
        "passphrase");
  return std::move(*opened);
}

}  // namespace omni::secrets
