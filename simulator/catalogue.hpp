#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "simulator/json.hpp"

namespace omni::sim {

struct Model {
  std::string id;
  std::string title;
  double rate;
  int input_tokens;
  int output_tokens;
  bool images;
  int cache_minimum;    // 0: no prompt caching
  std::string family;   // claude | gpt | other
  std::string efforts;  // space separated; empty: takes no additional fields
  bool paid = false;
};

const std::vector<Model>& catalogue();
const Model* findModel(std::string_view id);  // legacy upper-case names too
json::object describe(const Model& model);
// Why these additional request fields are refused; empty if they are fine.
std::string checkAdditionalFields(const Model& model, const json::value& fields);

}  // namespace omni::sim
