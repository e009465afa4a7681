#pragma once
// How a sign-in is shown. Private to service/admin.

#include <boost/json/object.hpp>

#include "core/accounts/sign_ins.hpp"

namespace omni::admin {

boost::json::object signInRecord(const SignInView& view);

}  // namespace omni::admin
