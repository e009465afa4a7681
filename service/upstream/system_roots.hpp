#pragma once
// The certificate authorities that this system trusts.

struct ssl_ctx_st;

namespace omni::upstream {

// Adds them to what `context` trusts; where the system has none, nothing happens, and every
// connection fails its verification. POSIX: OpenSSL's own places. Windows: the ROOT store of the
// account and the machine.
void addSystemRoots(ssl_ctx_st* context);

}  // namespace omni::upstream
