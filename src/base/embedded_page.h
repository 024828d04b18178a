// A file that the build put into the binary (tools/embed_pages.py).
#pragma once

#include <string_view>

namespace feedmill {

struct EmbeddedPage {
  std::string_view path;  // below the folder that was embedded: "feedmill.toml", "assets/index-abc.js"
  std::string_view content;
};

}  // namespace feedmill
