#include "service/upstream/system_roots.hpp"

#include <windows.h>

#include <wincrypt.h>

// wincrypt.h has macros of these names.
#undef X509_NAME
#undef X509_EXTENSIONS
#undef PKCS7_SIGNER_INFO
#undef OCSP_REQUEST
#undef OCSP_RESPONSE
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace omni::upstream {

void addSystemRoots(ssl_ctx_st* context) {
  const HCERTSTORE roots = CertOpenSystemStoreW(0, L"ROOT");
  if (!roots) return;
  X509_STORE* const trusted = SSL_CTX_get_cert_store(context);
  for (const CERT_CONTEXT* one = nullptr;
       (one = CertEnumCertificatesInStore(roots, one)) != nullptr;) {
    const unsigned char* bytes = one->pbCertEncoded;
    X509* const certificate = d2i_X509(nullptr, &bytes, static_cast<long>(one->cbCertEncoded));
    if (!certificate) continue;
    X509_STORE_add_cert(trusted, certificate);
    X509_free(certificate);
  }
  CertCloseStore(roots, 0);
}

}  // namespace omni::upstream
