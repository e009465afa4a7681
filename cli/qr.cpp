#include "cli/qr.hpp"

#if defined(OMNI_QRENCODE)
#include <qrencode.h>

#include <memory>
#endif

namespace omni::cli {

#if defined(OMNI_QRENCODE)
std::string qrCode(std::string_view text, size_t width, bool colours) {
  constexpr int kQuiet =
      2;  // the standard asks for 4; readers of today do with 2, and small terminals gain
  const std::string copy(text);
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(
      QRcode_encodeString8bit(copy.c_str(), 0, QR_ECLEVEL_L), &QRcode_free);
  if (!code) return {};
  const int side = code->width;
  if (side + 2 * kQuiet > static_cast<int64_t>(width)) return {};
  const auto dark = [&](int row, int column) {
    return row >= 0 && column >= 0 && row < side && column < side &&
           (code->data[row * side + column] & 1) != 0;
  };
  std::string out;
  for (int row = -kQuiet; row < side + kQuiet; row += 2) {
    if (colours) out += "\x1b[30;107m";
    for (int column = -kQuiet; column < side + kQuiet; ++column) {
      // Black ink is drawn where there is paper; without colours the paper is what is drawn.
      const bool upper = dark(row, column) == colours;
      const bool lower = (row + 1 >= side + kQuiet ? !colours : dark(row + 1, column) == colours);
      out += upper && lower ? "█" : upper ? "▀" : lower ? "▄" : " ";
    }
    if (colours) out += "\x1b[0m";
    out += '\n';
  }
  return out;
}
#else
std::string qrCode(std::string_view, size_t, bool) {
  return {};
}
#endif

}  // namespace omni::cli
