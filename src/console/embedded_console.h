// What npm made of web/, as built into the binary.
#pragma once

#include <span>

#include "base/embedded_page.h"

namespace feedmill::console {

// By path.
std::span<const EmbeddedPage> EmbeddedConsole();

}  // namespace feedmill::console
