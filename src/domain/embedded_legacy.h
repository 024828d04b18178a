// The domain of projects older than domain.toml, as built into the binary.
#pragma once

#include <span>

#include "base/embedded_page.h"

namespace feedmill::domain {

std::span<const EmbeddedPage> EmbeddedLegacy();

}  // namespace feedmill::domain
