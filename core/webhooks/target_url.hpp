#pragma once
// Where a webhook may point. An administrator sets the address, so inner networks are allowed: the
// receiver is often a machine at home. What is refused is what no receiver has: the link-local
// range with the clouds' metadata services, unspecified and multicast addresses, numbers in forms
// that resolvers read differently. Beside that nothing can be read through a webhook: it is one
// POST of a fixed form, redirects are not followed, and of the answer only the status is kept.

#include <string_view>

#include "core/base/error.hpp"

namespace omni::webhooks {

// BadRequest (field "url"): not http or https, user-info, a fragment, an address as above, or http
// to a host that is not in an inner network. Pure.
Result<> checkTargetUrl(std::string_view url);

}  // namespace omni::webhooks
