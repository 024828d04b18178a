# The libraries from outside, each under one short name for LIBS of feedmill_room():
#   feedmill::duckdb     DuckDB's C API (duckdb.h), shipped beside the binaries
#   feedmill::lightgbm   LightGBM's C API (LightGBM/c_api.h), shipped; for feedmill-train only
#   feedmill::boost      Boost headers (Beast, Asio)       feedmill::sqlite     SQLite
#   feedmill::simdjson   JSON on the event path            feedmill::openssl    TLS and hashes (ssl, crypto)
#   feedmill::json       nlohmann/json                     feedmill::zstd       zstd
#   feedmill::toml       toml++                            feedmill::xxhash     xxHash (header only use)
#   feedmill::cli11      CLI11                             feedmill::zlib       zlib
#   feedmill::fmt        fmt                               feedmill::maxminddb  IP address to place
#   feedmill::spdlog     spdlog over the system's fmt      feedmill::threads    pthreads
# DEPENDENCIES.md says where each comes from and why.
include(${CMAKE_CURRENT_LIST_DIR}/fetched.cmake)

find_package(Boost 1.81 REQUIRED)
find_package(simdjson REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Threads REQUIRED)

# feedmill_library(NAME target...): feedmill::NAME stands for these targets.
function(feedmill_library name)
  add_library(feedmill_lib_${name} INTERFACE)
  target_link_libraries(feedmill_lib_${name} INTERFACE ${ARGN})
  add_library(feedmill::${name} ALIAS feedmill_lib_${name})
endfunction()

# feedmill_system_library(NAME library header): a library without a CMake package of its own.
function(feedmill_system_library name library header)
  find_library(FEEDMILL_${name}_LIBRARY ${library} REQUIRED)
  find_path(FEEDMILL_${name}_INCLUDE ${header} REQUIRED)
  feedmill_library(${name} ${FEEDMILL_${name}_LIBRARY})
endfunction()

feedmill_library(threads Threads::Threads)
feedmill_library(boost Boost::headers Threads::Threads)
# Each part of Asio is compiled once in the file that uses it; the old deprecated names stay out.
target_compile_definitions(feedmill_lib_boost INTERFACE BOOST_ASIO_NO_DEPRECATED)
feedmill_library(simdjson simdjson::simdjson)
feedmill_library(json nlohmann_json::nlohmann_json)
feedmill_library(cli11 CLI11::CLI11)
feedmill_library(fmt fmt::fmt)
feedmill_library(spdlog spdlog::spdlog)
feedmill_library(sqlite SQLite::SQLite3)
feedmill_library(openssl OpenSSL::SSL OpenSSL::Crypto)
feedmill_library(zlib ZLIB::ZLIB)
feedmill_system_library(zstd zstd zstd.h)
feedmill_system_library(xxhash xxhash xxhash.h)
feedmill_system_library(maxminddb maxminddb maxminddb.h)
find_path(FEEDMILL_toml_INCLUDE toml++/toml.h REQUIRED)
feedmill_library(toml)

feedmill_fetched_dir(duckdb duckdb_dir)
feedmill_shipped_library(feedmill::duckdb ${duckdb_dir}/lib/libduckdb.so ${duckdb_dir}/include)
feedmill_fetched_dir(lightgbm lightgbm_dir)
feedmill_shipped_library(feedmill::lightgbm ${lightgbm_dir}/lib/lib_lightgbm.so ${lightgbm_dir}/include)

if(FEEDMILL_TESTS)
  find_package(GTest REQUIRED)
endif()
