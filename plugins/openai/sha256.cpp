#include "plugins/openai/sha256.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace omni::openai_upstream {
namespace {

// The standard defines its constants as the first 32 bits of the fractional parts of square and
// cube roots of the first primes. Integer roots are computed here, because a table of 72 numbers is
// easy to get wrong and a double is too short to be certain of the last bit.
constexpr uint64_t kPrimeLimit = 312;

constexpr std::array<uint32_t, 64> primes() {
  std::array<uint32_t, 64> out{};
  size_t count = 0;
  for (uint32_t n = 2; count < out.size() && n < kPrimeLimit; ++n) {
    bool prime = true;
    for (uint32_t d = 2; d * d <= n; ++d) prime = prime && n % d != 0;
    if (prime) out[count++] = n;
  }
  return out;
}

__extension__ typedef unsigned __int128 Wide;  // no standard type is wide enough

// floor(p^(1/degree) * 2^32), low 32 bits.
constexpr uint32_t rootFraction(uint32_t p, int degree) {
  uint64_t low = 0, high = uint64_t{1} << 37;
  while (high - low > 1) {
    const uint64_t mid = low + (high - low) / 2;
    // mid^degree <= p * 2^(32*degree), with the cube shifted down so that it fits 128 bits.
    const Wide square = static_cast<Wide>(mid) * mid;
    const bool below = degree == 2 ? square <= static_cast<Wide>(p) << 64
                                   : square * mid <= static_cast<Wide>(p) << 96;
    (below ? low : high) = mid;
  }
  return static_cast<uint32_t>(low);
}

template <size_t N>
constexpr std::array<uint32_t, N> roots(int degree) {
  const auto list = primes();
  std::array<uint32_t, N> out{};
  for (size_t i = 0; i < N; ++i) out[i] = rootFraction(list[i], degree);
  return out;
}

constexpr auto kRound = roots<64>(3);
constexpr auto kStart = roots<8>(2);

void block(std::array<uint32_t, 8>& state, const unsigned char* bytes) {
  std::array<uint32_t, 64> w{};
  for (size_t i = 0; i < 16; ++i)
    for (size_t b = 0; b < 4; ++b) w[i] = (w[i] << 8) | bytes[i * 4 + b];
  for (size_t i = 16; i < 64; ++i) {
    const uint32_t x = w[i - 15], y = w[i - 2];
    w[i] = w[i - 16] + w[i - 7] + (std::rotr(x, 7) ^ std::rotr(x, 18) ^ (x >> 3)) +
           (std::rotr(y, 17) ^ std::rotr(y, 19) ^ (y >> 10));
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (size_t i = 0; i < 64; ++i) {
    const uint32_t one = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                         ((e & f) ^ (~e & g)) + kRound[i] + w[i];
    const uint32_t two =
        (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + one, d = c, c = b, b = a, a = one + two;
  }
  const std::array<uint32_t, 8> mixed{a, b, c, d, e, f, g, h};
  for (size_t i = 0; i < 8; ++i) state[i] += mixed[i];
}

}  // namespace

std::string sha256Hex(std::string_view data) {
  std::string padded(data);
  padded += static_cast<char>(0x80);
  while (padded.size() % 64 != 56) padded += '\0';
  const uint64_t bits = static_cast<uint64_t>(data.size()) * 8;
  for (int shift = 56; shift >= 0; shift -= 8) padded += static_cast<char>(bits >> shift);
  auto state = kStart;
  for (size_t at = 0; at < padded.size(); at += 64)
    block(state, reinterpret_cast<const unsigned char*>(padded.data()) + at);
  std::string out;
  for (const uint32_t word : state)
    for (int shift = 28; shift >= 0; shift -= 4) out += "0123456789abcdef"[(word >> shift) & 15];
  return out;
}

}  // namespace omni::openai_upstream
