#pragma once

#include <span>
#include <string>
#include <string_view>

namespace mien::serve {

/// A file of the page, as it is built into the program.
struct Asset {
  std::string_view path;  ///< "/index.html"
  std::string_view content;
};
/// Made by cmake/embed_files.cmake.
std::span<const Asset> assets();

/// The file that a path of the page means ("/" is "/index.html"); nullptr if there is none.
const Asset* find_asset(std::string_view path);
/// By the ending of its name.
std::string_view type_of_asset(std::string_view path);
/// Names the content, in double quotes.
std::string etag_of(const Asset& asset);
/// What the page may load: its own files, and pictures of the camera.
std::string_view page_policy();

}  // namespace mien::serve
