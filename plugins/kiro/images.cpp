#include "plugins/kiro/images.hpp"

#include <array>

namespace omni::kiro {
namespace {

// The first bytes of each format in base64.
std::string_view sniff(std::string_view base64) {
  if (base64.starts_with("iVBORw0KGgo")) return "png";
  if (base64.starts_with("/9j/")) return "jpeg";
  if (base64.starts_with("R0lGOD")) return "gif";
  if (base64.starts_with("UklGR")) return "webp";
  return {};
}

std::string_view formatOf(std::string_view media_type) {
  if (media_type.starts_with("image/")) media_type.remove_prefix(6);
  media_type = media_type.substr(0, media_type.find(';'));
  if (media_type == "jpg" || media_type == "jpeg") return "jpeg";
  if (media_type == "png") return "png";
  if (media_type == "gif") return "gif";
  if (media_type == "webp") return "webp";
  return {};
}

constexpr auto kAlphabet = [] {
  std::array<bool, 256> table{};
  for (const char c :
       std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();

bool isBase64(std::string_view text) {
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  bool good = text.size() % 4 != 1;
  for (const char c : text) good &= kAlphabet[static_cast<unsigned char>(c)];
  return good;
}

}  // namespace

ImageProblem readImage(std::string_view media_type, std::string_view data, Image& image) {
  if (data.starts_with("data:")) {
    const auto comma = data.find(',');
    if (comma == std::string_view::npos) return ImageProblem::Empty;
    media_type = data.substr(5, comma - 5);
    data.remove_prefix(comma + 1);
  }
  if (data.empty()) return ImageProblem::Empty;
  const auto told = sniff(data);
  image.format = told.empty() ? formatOf(media_type) : told;
  image.bytes = data;
  if (image.format.empty()) return ImageProblem::Type;
  if (data.size() > kLargestImageText) return ImageProblem::Size;
  return isBase64(data) ? ImageProblem::None : ImageProblem::Base64;
}

std::string_view describe(ImageProblem problem) {
  switch (problem) {
    case ImageProblem::Empty:
      return "holds no data";
    case ImageProblem::Type:
      return "has a type that is not supported; known are png, jpeg, gif and webp";
    case ImageProblem::Base64:
      return "is not valid base64";
    case ImageProblem::Size:
      return "is larger than the 3.75 MB that Kiro takes; send a smaller one";
    case ImageProblem::None:
      break;
  }
  return "is fine";
}

}  // namespace omni::kiro
