#include "plugins/kiro/endpoints.hpp"

#include "plugins/kiro/version.hpp"

namespace omni::kiro {

std::string Endpoints::url(std::string_view name, std::string_view fallback,
                           std::string_view region) const {
  std::string out = host_.setting("endpoint." + std::string(name)).value_or(std::string(fallback));
  if (const auto at = out.find("{region}"); at != std::string::npos) out.replace(at, 8, region);
  while (out.ends_with('/')) out.pop_back();
  return out;
}

std::string Endpoints::oidc(std::string_view region) const {
  return url("oidc", "https://oidc.{region}.amazonaws.com", region);
}
std::string Endpoints::social() const {
  return url("social", "https://prod.us-east-1.auth.desktop.kiro.dev", "us-east-1");
}
std::string Endpoints::portal() const {
  return url("portal", "https://app.kiro.dev", "us-east-1");
}
std::string Endpoints::runtime(std::string_view region) const {
  return url("runtime", "https://runtime.{region}.kiro.dev", region);
}
std::string Endpoints::management(std::string_view region) const {
  return url("management", "https://management.{region}.kiro.dev", region);
}
std::string Endpoints::legacy(std::string_view region) const {
  return url("legacy", "https://q.{region}.amazonaws.com", region);
}

Wire Endpoints::wire(bool has_profile) const {
  const std::string chosen = host_.setting("wire").value_or("auto");
  if (chosen == "kiro") return Wire::Kiro;
  if (chosen == "codewhisperer") return Wire::CodeWhisperer;
  if (chosen == "legacy") return Wire::Legacy;
  return has_profile ? Wire::Kiro : Wire::Legacy;
}

bool Endpoints::wireIsAuto() const {
  return host_.setting("wire").value_or("auto") == "auto";
}

std::string userAgent() {
  return std::string("OmniRoute/") + kVersion;
}

}  // namespace omni::kiro
