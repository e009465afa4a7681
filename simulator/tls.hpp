#pragma once

#include <string>

namespace omni::sim {

// Writes ca.pem, server.pem and server.key into a directory: a certificate for localhost and
// 127.0.0.1 and the throw-away authority behind it. Throws std::runtime_error.
void writeCertificates(const std::string& directory);

}  // namespace omni::sim
