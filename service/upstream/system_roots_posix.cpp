#include <openssl/ssl.h>

#include "service/upstream/system_roots.hpp"

namespace omni::upstream {

void addSystemRoots(ssl_ctx_st* context) {
  SSL_CTX_set_default_verify_paths(context);
}

}  // namespace omni::upstream
