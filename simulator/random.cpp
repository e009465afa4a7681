#include "simulator/random.hpp"

#include <openssl/evp.h>

#include <random>

namespace omni::sim {
namespace {

constexpr std::string_view kAlphanumeric =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

std::mt19937_64& engine() {
  thread_local std::mt19937_64 instance{
      (static_cast<std::uint64_t>(std::random_device{}()) << 32U) ^ std::random_device{}()};
  return instance;
}

std::string pick(std::string_view alphabet, std::size_t length) {
  std::uniform_int_distribution<std::size_t> index(0, alphabet.size() - 1);
  std::string out(length, '\0');
  for (auto& c : out) c = alphabet[index(engine())];
  return out;
}

std::string token(std::string_view prefix) {
  return std::string(prefix) + randomText(120) + ":" + randomText(96);
}

}  // namespace

std::string randomText(std::size_t length) {
  return pick(kAlphanumeric, length);
}
std::string randomDigits(std::size_t length) {
  return pick("0123456789", length);
}
std::string accessToken() {
  return token("aoaAAAAAG");
}
std::string refreshToken() {
  return token("aorAAAAAG");
}

std::string userCode() {
  constexpr std::string_view kLetters = "BCDFGHJKLMNPQRSTVWXZ";
  return pick(kLetters, 4) + "-" + pick(kLetters, 4);
}

std::string uuid() {
  constexpr std::string_view kHex = "0123456789abcdef";
  auto out = pick(kHex, 36);
  for (const auto dash : {8, 13, 18, 23}) out[static_cast<std::size_t>(dash)] = '-';
  out[14] = '4';
  out[19] = pick("89ab", 1)[0];
  return out;
}

std::string sha256(std::string_view data) {
  std::string out(32, '\0');
  unsigned int size = 0;
  EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(out.data()), &size,
             EVP_sha256(), nullptr);
  return out;
}

std::string base64Url(std::string_view data) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  unsigned int buffer = 0;
  unsigned int bits = 0;
  for (const char c : data) {
    buffer = buffer << 8U | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 6;) {
      bits -= 6;
      out += kAlphabet[(buffer >> bits) & 63U];
    }
  }
  if (bits > 0) out += kAlphabet[(buffer << (6 - bits)) & 63U];
  return out;
}

std::string hex(std::string_view data) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const char c : data) {
    const auto byte = static_cast<unsigned char>(c);
    out += kHex[byte >> 4U];
    out += kHex[byte & 15U];
  }
  return out;
}

std::string unhex(std::string_view text) {
  const auto digit = [](char c) -> unsigned {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    return static_cast<unsigned>((c | 32) - 'a' + 10) & 15U;
  };
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out += static_cast<char>(digit(text[i]) << 4U | digit(text[i + 1]));
  }
  return out;
}

std::string shortHash(std::string_view secret) {
  return hex(sha256(secret)).substr(0, 12);
}

}  // namespace omni::sim
