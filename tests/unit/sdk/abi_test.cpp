#include <gtest/gtest.h>
#include <omniroute/abi.h>

#include <array>
#include <type_traits>

extern "C" size_t omniAbiSizeInC(int which);

namespace omni::sdk {
namespace {

TEST(Abi, CAndCxxSeeTheSameStructs) {
  const std::array sizes = {sizeof(omni_host_t),    sizeof(omni_plugin_entry_t),
                            sizeof(omni_request_t), sizeof(omni_part_t),
                            sizeof(omni_event_t),   sizeof(omni_error_t),
                            sizeof(omni_sink_t)};
  for (size_t i = 0; i < sizes.size(); ++i)
    EXPECT_EQ(omniAbiSizeInC(static_cast<int>(i)), sizes[i]) << i;
}

template <typename... T>
constexpr bool kPlain = ((std::is_standard_layout_v<T> && std::is_trivially_copyable_v<T>) && ...);

TEST(Abi, StructsArePlain) {
  EXPECT_TRUE((kPlain<omni_host_t, omni_plugin_entry_t, omni_request_t, omni_part_t, omni_message_t,
                      omni_tool_t, omni_event_t, omni_usage_t, omni_error_t, omni_sink_t,
                      omni_writer_t, omni_change_t, omni_http_request_t, omni_http_sink_t>));
}

TEST(Abi, SelfDescribingStructsStartWithTheirSize) {
  EXPECT_EQ(offsetof(omni_host_t, struct_size), 0u);
  EXPECT_EQ(offsetof(omni_plugin_entry_t, struct_size), 0u);
  EXPECT_EQ(offsetof(omni_request_t, struct_size), 0u);
  EXPECT_EQ(offsetof(omni_event_t, struct_size), 0u);
  EXPECT_EQ(offsetof(omni_error_t, struct_size), 0u);
  EXPECT_EQ(offsetof(omni_sink_t, struct_size), 0u);
  EXPECT_EQ(offsetof(omni_http_request_t, struct_size), 0u);
  EXPECT_EQ(offsetof(omni_http_sink_t, struct_size), 0u);
}

// The numbers are wire facts of the ABI: written down once more so that a change is a decision.
TEST(Abi, ConstantsAreFrozen) {
  EXPECT_EQ(OMNI_CANCELLED, 1u);
  EXPECT_EQ(OMNI_INTERNAL, 5u);
  EXPECT_EQ(OMNI_FAILURE_NOT_FOUND, 17u);
  EXPECT_EQ(OMNI_PART_REDACTED_REASONING, 5u);
  EXPECT_EQ(OMNI_EVENT_FINISH, 9u);
  EXPECT_EQ(OMNI_FINISH_PAUSE, 5u);
  EXPECT_STREQ(OMNI_ENTRY_SYMBOL, "omni_plugin_entry_v1");
}

}  // namespace
}  // namespace omni::sdk
