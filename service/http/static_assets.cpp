#include "service/http/static_assets.hpp"

#include <Poco/Exception.h>
#include <Poco/InflatingStream.h>
#include <Poco/MemoryStream.h>
#include <Poco/StreamCopier.h>

#include <string>

namespace omni::http {
namespace {

// Nothing from elsewhere and no inline script. Inline styles are needed by the component library,
// which sets its variables that way.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' "
    "data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'";

std::string inflated(std::string_view gzip) {
  Poco::MemoryInputStream packed(gzip.data(), static_cast<std::streamsize>(gzip.size()));
  Poco::InflatingInputStream plain(packed, Poco::InflatingStreamBuf::STREAM_GZIP);
  std::string out;
  Poco::StreamCopier::copyToString(plain, out);
  return out;
}

}  // namespace

void sendAsset(const StaticAsset& asset, const Request& request, ResponseWriter& writer) {
  writer.setHeader("ETag", std::string(asset.etag));
  writer.setHeader("Cache-Control",
                   asset.immutable ? "public, max-age=31536000, immutable" : "no-cache");
  writer.setHeader("Content-Security-Policy", std::string(kPolicy));
  writer.setHeader("X-Content-Type-Options", "nosniff");
  writer.setHeader("Referrer-Policy", "no-referrer");
  writer.setHeader("Vary", "Accept-Encoding");
  if (request.header("if-none-match").find(asset.etag) != std::string::npos)
    return writer.send(304, asset.content_type, {});
  if (request.header("accept-encoding").find("gzip") != std::string::npos) {
    writer.setHeader("Content-Encoding", "gzip");
    return writer.send(200, asset.content_type, asset.gzip);
  }
  writer.send(200, asset.content_type, inflated(asset.gzip));
}

void addAssetRoutes(RouteTable& routes, std::span<const StaticAsset> assets) {
  for (const StaticAsset& asset : assets) {
    if (asset.path == "/index.html") {
      for (Route& route : routes) {
        if (route.method != "GET" || route.pattern != "/") continue;
        route.handler = [asset, others = std::move(route.handler)](Request& request,
                                                                   ResponseWriter& writer) {
          if (request.header("accept").find("text/html") == std::string::npos)
            return others(request, writer);
          sendAsset(asset, request, writer);
        };
      }
      continue;
    }
    Route route;
    route.method = "GET";
    route.pattern = std::string(asset.path);
    route.door = Door::Health;
    route.handler = [asset](const Request& request, ResponseWriter& writer) {
      sendAsset(asset, request, writer);
    };
    routes.push_back(std::move(route));
  }
}

}  // namespace omni::http
