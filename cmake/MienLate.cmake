# mien_late_libraries(target) lets `target` load FFmpeg, Pango, Cairo and the libraries of the rarer picture formats on
# their first call: with their dependencies they are 120 files, which take most of the start-up time. The target has a
# source that defines mien_late_load (apps/cli/late_load.cc, src/capi/late.cc). MIEN_LATE says whether this is done.
set(MIEN_LATE OFF)
if(MIEN_LATE_LIBRARIES AND NOT MIEN_SANITIZE AND CMAKE_SYSTEM_NAME STREQUAL "Linux"
   AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  enable_language(ASM)
  set(MIEN_LATE ON)
endif()

function(mien_late_libraries target)
  if(NOT MIEN_LATE)
    return()
  endif()
  set(libraries)
  foreach(package FFMPEG CAIRO PANGO HEIF TIFF OPENJPEG)
    get_target_property(of_package PkgConfig::${package} INTERFACE_LINK_LIBRARIES)
    list(APPEND libraries ${of_package})
  endforeach()
  list(FILTER libraries INCLUDE REGEX "[.]so$")
  list(REMOVE_DUPLICATES libraries)
  set(stubs ${CMAKE_CURRENT_BINARY_DIR}/late_stubs.S)
  add_custom_command(OUTPUT ${stubs}
    COMMAND ${PROJECT_SOURCE_DIR}/cmake/late_stubs.sh ${stubs} $<TARGET_FILE:mien_video>
            $<TARGET_FILE:mien_report> $<TARGET_FILE:mien_image> -- ${libraries}
    DEPENDS mien_video mien_report mien_image ${PROJECT_SOURCE_DIR}/cmake/late_stubs.sh VERBATIM)
  target_sources(${target} PRIVATE ${stubs})
  target_link_options(${target} PRIVATE -Wl,--as-needed)
  target_link_libraries(${target} PRIVATE ${CMAKE_DL_LIBS})
endfunction()
