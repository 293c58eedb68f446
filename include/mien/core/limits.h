#pragma once

#include <cstddef>
#include <cstdint>

namespace mien {

/// Upper bounds on what is read from outside. Every parser takes one; the defaults are safe for a
/// server.
struct Limits {
  std::uint64_t max_file_bytes = std::uint64_t{64} << 30;  ///< any mapped or streamed file
  std::uint64_t max_image_bytes = std::uint64_t{512}
                                  << 20;         ///< an encoded picture read into memory
  std::uint64_t max_pixels = 64'000'000;         ///< pixels of one decoded picture or frame
  std::uint32_t max_dimension = 16'384;          ///< width or height of one picture or frame
  std::uint64_t max_frames = 2'000'000;          ///< frames of one clip
  double max_seconds = 24.0 * 3600.0;            ///< duration of one clip
  std::uint64_t max_tensors = 100'000;           ///< tensors of one checkpoint
  std::uint64_t max_header_bytes = 100'000'000;  ///< safetensors header, pickle program
  std::uint32_t max_rank = 8;                    ///< dimensions of one tensor
  std::uint32_t max_json_depth = 64;             ///< nesting of JSON
  std::uint64_t max_text_bytes = 1'048'576;      ///< one label or description text
  std::uint64_t max_labels = 100'000;            ///< labels of one set
};

}  // namespace mien
