#pragma once
// JSON text of a Boost.JSON value for people and scripts to read: boost::json::serialize() writes
// each double with an exponent (50 as 5E1, 12.5 as 1.25E1), which is right and which nobody
// expects.

#include <boost/json/fwd.hpp>
#include <string>

namespace omni::json {

// On one line. A number that JSON does not have (infinity, not a number) is null. Thread-safe.
std::string plainText(const boost::json::value& value);

}  // namespace omni::json
