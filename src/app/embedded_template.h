// The project folder that `feedmill init` writes, as built into the binary.
#pragma once

#include <span>

#include "base/embedded_page.h"

namespace feedmill::app {

// By path.
std::span<const EmbeddedPage> EmbeddedTemplate();

}  // namespace feedmill::app
