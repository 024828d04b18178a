// docs/reference, as built into the binary: the OpenAPI document that the server answers.
#pragma once

#include <span>

#include "base/embedded_page.h"

namespace feedmill::app {

// By path.
std::span<const EmbeddedPage> EmbeddedReference();

}  // namespace feedmill::app
