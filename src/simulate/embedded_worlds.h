// The worlds of examples/worlds, as built into the binary.
#pragma once

#include <span>

#include "base/embedded_page.h"

namespace feedmill::simulate {

// By path.
std::span<const EmbeddedPage> EmbeddedWorlds();

}  // namespace feedmill::simulate
