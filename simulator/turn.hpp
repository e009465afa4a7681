#pragma once

#include <optional>
#include <string>
#include <vector>

#include "simulator/catalogue.hpp"
#include "simulator/json.hpp"

namespace omni::sim {

// How a sequence of frames leaves: where it is split, delayed, damaged or cut.
struct Delivery {
  int first_byte_delay_ms = 0;
  int delay_ms = 0;                 // before every frame but the first
  std::vector<std::size_t> splits;  // byte positions where an HTTP chunk ends
  std::size_t chunk_size = 0;       // 0: a frame is a chunk
  std::string truncation;           // mid_frame | frame_boundary | before_tail
  bool reset_at_end = false;        // RST instead of an unfinished body
  int stall_after = -1;             // frames
  int stall_ms = 60000;
};

struct StreamContext {
  const Model* model = nullptr;
  std::string model_id;
  bool rpc = false;
  bool metadata = false;  // runtime hosts tell token counts
  std::int64_t input_tokens = 0;
  std::string user_text;
};

struct Play {
  std::vector<std::string> frames;
  std::size_t tail = 0;  // index of the first tail frame
  double credits = 0;
  Delivery delivery;
};

Play echoTurn(const StreamContext& context);
Play scriptedTurn(const StreamContext& context, const json::object& turn);

// Pieces of a text, cut after words and never inside a character.
std::vector<std::string> splitText(const std::string& text, std::size_t most);

}  // namespace omni::sim
