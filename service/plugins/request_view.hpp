#pragma once
// A ChatRequest as the ABI shows it to a plugin. Texts are borrowed from the request; the arrays
// belong to this object, so it has to stay until the plugin's function has returned or called
// request_done. One thread.

#include <omniroute/abi.h>

#include <deque>
#include <string_view>
#include <vector>

#include "core/chat/model.hpp"

namespace omni::plugins {

inline omni_str_t toStr(std::string_view text) {
  return {text.data(), text.size()};
}
inline std::string_view toView(omni_str_t text) {
  return text.data ? std::string_view(text.data, text.size) : std::string_view();
}

class RequestView {
 public:
  // `model` instead of the request's own: routing has chosen it.
  RequestView(const chat::ChatRequest& request, std::string_view model);
  RequestView(const RequestView&) = delete;
  RequestView& operator=(const RequestView&) = delete;
  const omni_request_t& raw() const { return raw_; }
  // Frees the arrays: the plugin has said that it reads them no more.
  void release();

 private:
  const omni_part_t* addParts(const std::vector<chat::Part>& parts);

  std::deque<std::vector<omni_part_t>> parts_;  // a deque: growing it moves none of the arrays
  std::vector<omni_message_t> messages_;
  std::vector<omni_tool_t> tools_;
  std::vector<omni_str_t> stop_;
  omni_request_t raw_{};
};

}  // namespace omni::plugins
