// The project folder that `feedmill init` writes, as built into the binary (tools/embed_pages.py).
#pragma once

#include <span>
#include <string_view>

namespace feedmill::app {

struct EmbeddedPage {
  std::string_view path;  // "feedmill.toml", "events/like.json", ...
  std::string_view content;
};

std::span<const EmbeddedPage> EmbeddedTemplate();

}  // namespace feedmill::app
