# feedmill_console_pages(TARGET HEADER FUNCTION): builds web/ with npm and puts its pages into TARGET.
#   HEADER (like "console/embedded_pages.h") declares struct EmbeddedPage { std::string_view path, content; } and FUNCTION (like
#   feedmill::console::EmbeddedPages), which returns std::span<const EmbeddedPage>, sorted by path ("index.html", "assets/...").
function(feedmill_console_pages target header function)
  set(web ${PROJECT_SOURCE_DIR}/web)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${web}/src/* ${web}/public/*)
  file(GLOB settings CONFIGURE_DEPENDS ${web}/*.json ${web}/*.ts ${web}/index.html)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded_pages.cc)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${PROJECT_SOURCE_DIR}/tools/web.sh build
    COMMAND /usr/bin/python3 ${PROJECT_SOURCE_DIR}/tools/embed_pages.py ${web}/dist ${header} ${function} ${output}
    DEPENDS ${sources} ${settings} ${PROJECT_SOURCE_DIR}/tools/web.sh ${PROJECT_SOURCE_DIR}/tools/embed_pages.py
    COMMENT "Building the console's pages"
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
