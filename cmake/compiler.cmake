# Language, warnings, flags of the build types, sanitizers, linker and compiler cache.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")

add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  add_compile_options(-Werror)
else()
  # Clang builds fuzzers and the thread sanitizer only. It warns about GCC's own library, so that its warnings cannot be errors.
  add_compile_options(-w)
endif()
# AVX2 is the floor. AVX-512 code stands in functions with a target attribute, chosen at run time.
if(FEEDMILL_NATIVE)
  add_compile_options(-march=native)
else()
  add_compile_options(-march=x86-64-v3)
endif()
if(FEEDMILL_SANITIZE)
  add_compile_options(-fsanitize=${FEEDMILL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FEEDMILL_SANITIZE})
endif()
if(FEEDMILL_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

add_link_options(-fuse-ld=mold)
# Binaries find the libraries that ship with them by their own place, never by a folder of the build machine.
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
set(CMAKE_INSTALL_RPATH "$ORIGIN/../lib")

# Paths are hashed relative to the repository, so that build folders and clones share hits.
find_program(FEEDMILL_CCACHE ccache)
if(FEEDMILL_CCACHE)
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${FEEDMILL_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()
