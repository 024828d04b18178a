// Types of the properties of events, as a tracking plan declares them.
#pragma once

#include <cstdint>

namespace feedmill {

enum class PropertyType : uint8_t { kText, kTexts, kInteger, kNumber, kBoolean, kOther };

}  // namespace feedmill
