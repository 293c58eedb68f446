# Every third-party library belongs to one room: found here, linked there (PRIVATE_DEPENDS).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)                      # everywhere
find_package(nlohmann_json REQUIRED)            # core
find_package(OpenSSL REQUIRED COMPONENTS Crypto SSL)  # core (hashes), serve (TLS)
find_package(JPEG REQUIRED)                     # image
find_package(PNG REQUIRED)                      # image
find_package(ZLIB REQUIRED)                     # image, checkpoint, text
pkg_check_modules(WEBP REQUIRED IMPORTED_TARGET libwebp)  # image
pkg_check_modules(HEIF REQUIRED IMPORTED_TARGET libheif>=1.11)      # image
pkg_check_modules(TIFF REQUIRED IMPORTED_TARGET libtiff-4>=4.5)     # image
pkg_check_modules(OPENJPEG REQUIRED IMPORTED_TARGET libopenjp2)     # image
pkg_check_modules(FFMPEG REQUIRED IMPORTED_TARGET libavcodec libavformat libavutil libswscale
                  libswresample)                # video
pkg_check_modules(AVDEVICE REQUIRED libavdevice)  # video: its header; the library is loaded for cameras
find_package(yaml-cpp REQUIRED)                 # text
# kernels: oneDNN. Its own CMake package requires OpenCL headers that a CPU build does not need.
find_path(MIEN_DNNL_INCLUDE oneapi/dnnl/dnnl.hpp REQUIRED)
find_library(MIEN_DNNL_LIBRARY dnnl REQUIRED)
add_library(mien_dnnl INTERFACE IMPORTED)
target_include_directories(mien_dnnl SYSTEM INTERFACE ${MIEN_DNNL_INCLUDE})
target_link_libraries(mien_dnnl INTERFACE ${MIEN_DNNL_LIBRARY})
# kernels: the OpenMP runtime of oneDNN, to limit it to one thread. We have no OpenMP code of our own.
set(MIEN_OPENMP_RUNTIME gomp CACHE STRING "OpenMP runtime that oneDNN is linked with")
find_package(OpenMP QUIET COMPONENTS CXX)       # LibTorch
pkg_check_modules(CAIRO REQUIRED IMPORTED_TARGET cairo)        # report
pkg_check_modules(PANGO REQUIRED IMPORTED_TARGET pangocairo)   # report
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)    # jobs
# serve: Beast and Asio, headers only.
find_path(MIEN_BOOST_INCLUDE boost/beast/version.hpp REQUIRED)
add_library(mien_boost INTERFACE IMPORTED)
target_include_directories(mien_boost SYSTEM INTERFACE ${MIEN_BOOST_INCLUDE})
find_package(CLI11 REQUIRED)                    # apps
# face: dlib, without its own CMake package, which requires BLAS, GUI and codec libraries. Only the
# static library: a few of its objects are linked, and nothing is needed at run time.
find_path(MIEN_DLIB_INCLUDE dlib/image_processing/frontal_face_detector.h REQUIRED)
find_library(MIEN_DLIB_LIBRARY NAMES libdlib.a REQUIRED)
find_program(MIEN_GNU_LD NAMES ld.bfd ld REQUIRED)      # binutils, also in builds with Clang: lld
find_program(MIEN_GNU_OBJCOPY NAMES objcopy REQUIRED)   # has no --force-group-allocation
add_library(mien_dlib_headers INTERFACE)
target_include_directories(mien_dlib_headers SYSTEM INTERFACE ${MIEN_DLIB_INCLUDE})
add_library(mien_dlib INTERFACE)
target_link_libraries(mien_dlib INTERFACE mien_dlib_headers ${MIEN_DLIB_LIBRARY} Threads::Threads)
