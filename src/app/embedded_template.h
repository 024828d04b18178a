// The project folders that `feedmill init` writes, as built into the binary.
#pragma once

#include <span>

#include "base/embedded_page.h"

namespace feedmill::app {

// By path. The template's is a social app.
std::span<const EmbeddedPage> EmbeddedTemplate();

}  // namespace feedmill::app
