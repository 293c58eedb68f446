# find_package(mien): the libraries of the plain wing as mien::<room>; link mien::pipeline for all of it.
# The third-party libraries are looked up as when mien was built.
include(${CMAKE_CURRENT_LIST_DIR}/MienDependencies.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/mien-targets.cmake)
# The torch wing, if it is installed as well.
include(${CMAKE_CURRENT_LIST_DIR}/mien-train-targets.cmake OPTIONAL)
