#pragma once
// One completion: the request goes to the right host, and once more where a second try without
// something, elsewhere or with more emphasis can help. Wire source: kiro-protocol 0.3, E.3, G.3,
// G.5. Thread-safe.

#include <map>
#include <mutex>
#include <omniroute/sdk.hpp>
#include <string>

#include "plugins/kiro/endpoints.hpp"
#include "plugins/kiro/model_list.hpp"

namespace omni::kiro {

// Profiles whose runtime host did not know the operation lately: their requests go to the other
// generation's host at once. In memory only; forgotten after an hour.
class WireMemory {
 public:
  bool prefersOther(const std::string& key, int64_t now_ms);
  void remember(const std::string& key, int64_t now_ms);

 private:
  std::mutex mutex_;
  std::map<std::string, int64_t> until_ms_;
};

// What the plugin remembers between completions.
struct Memory {
  WireMemory wires;
  CatalogueMemory catalogues;
};

sdk::Result<> generate(sdk::Call& call, const Endpoints& endpoints, Memory& memory,
                       const omni_request_t& request, sdk::EventSink& sink);

}  // namespace omni::kiro
