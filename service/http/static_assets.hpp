#pragma once
// Serves files that are part of the program: compressed, with ETag and cache headers, under a
// strict Content-Security-Policy.

#include <span>
#include <string_view>

#include "service/http/route.hpp"

namespace omni::http {

// Views must outlive the server.
struct StaticAsset {
  std::string_view path;
  std::string_view content_type;
  std::string_view etag;
  std::string_view gzip;
  bool immutable = false;
};

// A GET route for each asset, open to every caller: the files hold no data. "/index.html" becomes
// what a browser gets at "/"; others, such as curl, still get what the route that is there answers.
void addAssetRoutes(RouteTable& routes, std::span<const StaticAsset> assets);

// Answers with the asset: 304 when the client has it already, uncompressed when it takes no gzip.
void sendAsset(const StaticAsset& asset, const Request& request, ResponseWriter& writer);

}  // namespace omni::http
