# mien_room(NAME image SOURCES a.cc HEADERS decode.h DEPENDS core PRIVATE_DEPENDS PkgConfig::X)
#   makes library mien_<name> (alias mien::<name>), its public header set, warnings and install rule.
#   SOURCES are relative to src/<name>, HEADERS to include/mien/<name>; DEPENDS are room names.
#   LONE_HEADERS: public headers that no source or unit test of the room includes first. The source that
#   includes a header first proves that the header compiles by itself (style.headers checks that there is
#   one); only lone headers are compiled separately. With MIEN_UNITY, which compiles several sources at a
#   time, all headers are.
# mien_test(room SOURCES a_test.cc LIBS rooms...) makes one GoogleTest program, registered test by test.

include(GNUInstallDirs)
set(MIEN_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wconversion
                  -Wno-sign-conversion -Wold-style-cast -Wcast-qual -Woverloaded-virtual)
if(MIEN_WERROR)
  list(APPEND MIEN_WARNINGS -Werror)
endif()

add_library(mien_options INTERFACE)
target_compile_features(mien_options INTERFACE cxx_std_20)
target_compile_options(mien_options INTERFACE ${MIEN_WARNINGS})
# Headers that are not for users are beside their sources; every room, program and test of ours may include them.
target_include_directories(mien_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
if(MIEN_SANITIZE)
  set(sanitize_flags -fsanitize=${MIEN_SANITIZE} -fno-omit-frame-pointer -DMIEN_SANITIZED
                     -fno-sanitize-recover=all)
  target_compile_options(mien_options INTERFACE ${sanitize_flags})
  target_link_options(mien_options INTERFACE ${sanitize_flags})
endif()
if(MIEN_FUZZ)
  target_compile_options(mien_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Compiles several sources of a target as one: reading the headers of LibTorch, CLI11, fmt and GoogleTest
# takes longer than our own code. Names in anonymous namespaces are therefore unique within a room.
function(mien_unity target)
  if(MIEN_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${MIEN_UNITY})
    # A source may define types with members from its anonymous namespace: no header declares them.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
endfunction()

function(mien_room)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;HEADERS;LONE_HEADERS;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  set(target mien_${ARG_NAME})
  if(MIEN_UNITY AND NOT ARG_NAME IN_LIST MIEN_SINGLE_ROOMS)
    list(APPEND ARG_LONE_HEADERS ${ARG_HEADERS})
    set(ARG_HEADERS)
  endif()
  list(TRANSFORM ARG_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/src/${ARG_NAME}/)
  list(TRANSFORM ARG_HEADERS PREPEND ${PROJECT_SOURCE_DIR}/include/mien/${ARG_NAME}/)
  list(TRANSFORM ARG_LONE_HEADERS PREPEND ${PROJECT_SOURCE_DIR}/include/mien/${ARG_NAME}/)
  list(TRANSFORM ARG_DEPENDS PREPEND mien::)
  add_library(${target} STATIC ${ARG_SOURCES})
  add_library(mien::${ARG_NAME} ALIAS ${target})
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include
                                  FILES ${ARG_HEADERS}
                                  FILE_SET lone TYPE HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include
                                  FILES ${ARG_LONE_HEADERS})
  target_link_libraries(${target} PUBLIC ${ARG_DEPENDS}
                                  PRIVATE $<BUILD_INTERFACE:mien_options> ${ARG_PRIVATE_DEPENDS})
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON EXPORT_NAME ${ARG_NAME}
                        INTERFACE_HEADER_SETS_TO_VERIFY lone)
  if(NOT ARG_LONE_HEADERS)
    set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS OFF)
  endif()
  if(NOT ARG_NAME IN_LIST MIEN_SINGLE_ROOMS)
    mien_unity(${target})
  endif()
  # The plain wing installs without the torch wing, whose rooms take minutes to compile.
  set(wing plain)
  set(export mien-targets)
  if(ARG_NAME IN_LIST MIEN_TORCH_ROOMS)
    set(wing train)
    set(export mien-train-targets)
  endif()
  set_property(GLOBAL APPEND PROPERTY MIEN_TARGETS_${wing} ${target})
  install(TARGETS ${target} EXPORT ${export}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${wing}
          FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT ${wing}
          FILE_SET lone DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT ${wing})
endfunction()

function(mien_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name}_tests ${ARG_SOURCES})
  target_include_directories(${name}_tests PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name}_tests PRIVATE ${ARG_LIBS} mien_options mien_test_support GTest::gtest
                                              GTest::gmock GTest::gtest_main)
  if(NOT name IN_LIST MIEN_SINGLE_TESTS)
    mien_unity(${name}_tests)
  endif()
  gtest_discover_tests(${name}_tests TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT ${ARG_TIMEOUT})
endfunction()
