#include "core/json/plain.hpp"

#include <boost/json/value.hpp>
#include <cmath>
#include <utility>

#include "core/base/append_number.hpp"
#include "core/errors/error_table.hpp"

namespace omni::json {
namespace {

void append(std::string& out, const boost::json::value& value) {
  using boost::json::kind;
  switch (value.kind()) {
    case kind::null:
      out += "null";
      return;
    case kind::bool_:
      out += value.get_bool() ? "true" : "false";
      return;
    case kind::int64:
      return appendNumber(out, value.get_int64());
    case kind::uint64:
      return appendNumber(out, value.get_uint64());
    case kind::double_:
      if (std::isfinite(value.get_double()))
        appendNumber(out, value.get_double());
      else
        out += "null";
      return;
    case kind::string:
      return appendJsonString(out, value.get_string());
    case kind::array: {
      out += '[';
      bool first = true;
      for (const boost::json::value& element : value.get_array()) {
        if (!std::exchange(first, false)) out += ',';
        append(out, element);
      }
      out += ']';
      return;
    }
    case kind::object: {
      out += '{';
      bool first = true;
      for (const auto& [key, member] : value.get_object()) {
        if (!std::exchange(first, false)) out += ',';
        appendJsonString(out, key);
        out += ':';
        append(out, member);
      }
      out += '}';
      return;
    }
  }
}

}  // namespace

std::string plainText(const boost::json::value& value) {
  std::string out;
  append(out, value);
  return out;
}

}  // namespace omni::json
