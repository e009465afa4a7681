#pragma once
// Images as Kiro takes them. Wire source: kiro-protocol E.5, E.7, H.3. Pure and thread-safe.

#include <optional>
#include <string>
#include <string_view>

namespace omni::kiro {

inline constexpr size_t kMostImages = 10;               // a request; the newest are kept
inline constexpr size_t kLargestImageText = 5'000'000;  // base64 characters, about 3.75 MB

struct Image {
  std::string_view format;  // png, jpeg, gif, webp
  std::string_view bytes;   // base64
};

enum class ImageProblem { None, Empty, Type, Base64, Size };

// Reads a part's media type and data, which may be a whole data URL. What the bytes say about their
// format counts more than what the client says. `data` must outlive the image.
ImageProblem readImage(std::string_view media_type, std::string_view data, Image& image);
// Why, in words that follow "the image "; for a client's eyes.
std::string_view describe(ImageProblem problem);

}  // namespace omni::kiro
