#pragma once
// A QR code for a terminal, two rows of modules a line. Pure.

#include <string>
#include <string_view>

namespace omni::cli {

// Empty: the text does not fit into `width` columns (or into a QR code at all). With colours the
// code is black on white whatever the terminal's own colours are; without, the light modules are
// drawn, which suits dark terminals.
std::string qrCode(std::string_view text, size_t width, bool colours);

}  // namespace omni::cli
