# feedmill_room(NAME [DEPS room...] [LIBS feedmill::x...] [TEST_DEPS room...] [TEST_LIBS feedmill::x...])
#   One call is the whole CMakeLists.txt of a room. Files are found by name, so a new file needs no edit:
#     *.cc            static library feedmill_NAME (INTERFACE when there is none); includes look like "lake/table.h"
#     *main.cc        left out: feedmill_binary() names it
#     *_test.cc       one executable NAME_test (GoogleTest, GoogleMock), run by ctest
#     *_bench.cc      one executable each, with its own main
#     *_fuzz.cc       one executable each (libFuzzer), only in the fuzz preset
#   DEPS and LIBS reach whoever depends on the room. FEEDMILL_SOURCE_DIR is the repository for tests, benches and fuzzers.
# feedmill_binary(NAME MAIN file [DEPS room...] [LIBS ...]): <build>/bin/NAME.
# feedmill_join_rooms(): called once, after all rooms, so that their order does not matter.

function(feedmill_room name)
  cmake_parse_arguments(room "" "" "DEPS;LIBS;TEST_DEPS;TEST_LIBS" ${ARGN})
  if(room_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "feedmill_room(${name}): what is '${room_UNPARSED_ARGUMENTS}'? allowed: DEPS, LIBS, TEST_DEPS, TEST_LIBS")
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  set(benches ${sources})
  set(fuzzers ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|_bench|_fuzz|/main|_main)\\.cc$")

  if(sources)
    add_library(feedmill_${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(feedmill_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(feedmill_${name} ${scope} ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(feedmill_${name} ${scope} ${room_LIBS})
  feedmill_deps(feedmill_${name} ${scope} ${room_DEPS})

  if(FEEDMILL_TESTS AND tests)
    feedmill_program(${name}_test tests "${tests}")
    target_link_libraries(${name}_test PRIVATE feedmill_${name} ${room_TEST_LIBS} GTest::gmock GTest::gtest_main)
    feedmill_deps(${name}_test PRIVATE ${room_TEST_DEPS})
    add_dependencies(feedmill_tests ${name}_test)
    add_test(NAME ${name}_test COMMAND ${name}_test WORKING_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  endif()
  if(FEEDMILL_TESTS)
    feedmill_programs_of_one_file(bench "${benches}")
  endif()
  if(FEEDMILL_FUZZ)
    feedmill_programs_of_one_file(fuzz "${fuzzers}")
  endif()
endfunction()

# One executable in <build>/FOLDER.
function(feedmill_program program folder sources)
  add_executable(${program} ${sources})
  set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${folder})
  if(NOT folder STREQUAL bin)
    target_compile_definitions(${program} PRIVATE FEEDMILL_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  endif()
endfunction()

# The room's benches or fuzzers; uses name, room_TEST_DEPS and room_TEST_LIBS of feedmill_room().
function(feedmill_programs_of_one_file folder files)
  foreach(file IN LISTS files)
    get_filename_component(program ${file} NAME_WE)
    feedmill_program(${program} ${folder} ${file})
    target_link_libraries(${program} PRIVATE feedmill_${name} ${room_TEST_LIBS})
    feedmill_deps(${program} PRIVATE ${room_TEST_DEPS})
    if(folder STREQUAL fuzz)
      target_link_options(${program} PRIVATE -fsanitize=fuzzer)
    endif()
    add_dependencies(feedmill_${folder} ${program})
  endforeach()
endfunction()

function(feedmill_binary program)
  cmake_parse_arguments(binary "" "MAIN" "DEPS;LIBS" ${ARGN})
  if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${binary_MAIN})
    message(WARNING "${program} is not built: ${CMAKE_CURRENT_SOURCE_DIR}/${binary_MAIN} does not exist")
    return()
  endif()
  feedmill_program(${program} bin ${CMAKE_CURRENT_SOURCE_DIR}/${binary_MAIN})
  target_include_directories(${program} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${program} PRIVATE ${binary_LIBS})
  feedmill_deps(${program} PRIVATE ${binary_DEPS})
endfunction()

# Remembers that TARGET uses the rooms; feedmill_join_rooms() links them when every room is known.
function(feedmill_deps target scope)
  foreach(room IN LISTS ARGN)
    set_property(GLOBAL APPEND PROPERTY feedmill_joints "${target}|${scope}|${room}")
  endforeach()
endfunction()

function(feedmill_join_rooms)
  get_property(joints GLOBAL PROPERTY feedmill_joints)
  foreach(joint IN LISTS joints)
    string(REPLACE "|" ";" joint ${joint})
    list(GET joint 0 target)
    list(GET joint 1 scope)
    list(GET joint 2 room)
    if(NOT TARGET feedmill_${room})
      message(FATAL_ERROR "${target} depends on room '${room}', which has no src/${room}/CMakeLists.txt")
    else()
      target_link_libraries(${target} ${scope} feedmill_${room})
    endif()
  endforeach()
endfunction()

# feedmill_embed(ROOM FOLDER HEADER FUNCTION): every file of FOLDER as bytes in the room's library, behind FUNCTION, which src/ROOM/HEADER.h declares.
function(feedmill_embed room folder header function)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${header}.cc)
  add_custom_command(
    OUTPUT ${output}
    COMMAND /usr/bin/python3 ${PROJECT_SOURCE_DIR}/tools/embed_pages.py ${PROJECT_SOURCE_DIR}/${folder} ${room}/${header}.h feedmill::${room}::${function} ${output}
    DEPENDS ${files} ${PROJECT_SOURCE_DIR}/tools/embed_pages.py
    COMMENT "Building ${folder} in"
    VERBATIM)
  target_sources(feedmill_${room} PRIVATE ${output})
endfunction()
