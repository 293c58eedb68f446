# LibTorch, for the rooms of the torch wing only. The CMake file of Debian's package requires
# libraries that a CPU build does not need, so the parts are looked up one by one; another LibTorch
# is found through CMAKE_PREFIX_PATH.
set(MIEN_HAVE_TORCH OFF)
if(NOT MIEN_WITH_TORCH STREQUAL "OFF")
  find_path(MIEN_TORCH_API torch/nn/module.h PATH_SUFFIXES torch/csrc/api/include
                                                             include/torch/csrc/api/include)
  find_path(MIEN_TORCH_ATEN ATen/ATen.h)
  find_library(MIEN_TORCH_LIBRARY torch)
  find_library(MIEN_TORCH_CPU_LIBRARY torch_cpu)
  find_library(MIEN_TORCH_C10_LIBRARY c10)
  find_library(MIEN_TORCH_CUDA_LIBRARY torch_cuda)  # if CUDA is installed
  find_library(MIEN_GLOO_LIBRARY gloo)              # several processes; part of libtorch elsewhere
  if(MIEN_TORCH_API AND MIEN_TORCH_ATEN AND MIEN_TORCH_LIBRARY AND MIEN_TORCH_CPU_LIBRARY
     AND MIEN_TORCH_C10_LIBRARY)
    set(MIEN_HAVE_TORCH ON)
  elseif(NOT MIEN_WITH_TORCH STREQUAL "AUTO")
    message(FATAL_ERROR "MIEN_WITH_TORCH is on, but LibTorch was not found (Debian: libtorch-dev)")
  endif()
endif()
message(STATUS "torch wing: ${MIEN_HAVE_TORCH}")
if(MIEN_HAVE_TORCH)
  add_library(mien_torch INTERFACE)
  target_include_directories(mien_torch SYSTEM INTERFACE ${MIEN_TORCH_API} ${MIEN_TORCH_ATEN})
  target_compile_definitions(mien_torch INTERFACE USE_C10D_GLOO USE_DISTRIBUTED)
  # -Wno: the headers of LibTorch 1.13 warn through macros that expand in our sources.
  target_compile_options(mien_torch INTERFACE -Wno-old-style-cast -Wno-conversion)
  # LibTorch registers its operators in static initialisers: it stays linked though unreferenced.
  target_link_libraries(mien_torch INTERFACE -Wl,--no-as-needed ${MIEN_TORCH_LIBRARY}
                        ${MIEN_TORCH_CPU_LIBRARY} ${MIEN_TORCH_C10_LIBRARY} OpenMP::OpenMP_CXX)
  if(MIEN_TORCH_CUDA_LIBRARY)
    target_link_libraries(mien_torch INTERFACE ${MIEN_TORCH_CUDA_LIBRARY})
  endif()
  if(MIEN_GLOO_LIBRARY)
    target_link_libraries(mien_torch INTERFACE ${MIEN_GLOO_LIBRARY})
  endif()
  install(TARGETS mien_torch EXPORT mien-train-targets COMPONENT train)
endif()
