#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mien/checkpoint/checkpoint.h"

namespace mien {
class AtomicFile;
}

namespace mien::checkpoint {

/// Reads safetensors from bytes that the caller keeps alive. Checks everything that the format
/// promises: header length, JSON, known dtypes, shapes that match the byte ranges, no overlaps, no
/// gaps, no unused bytes at the end.
Result<std::shared_ptr<const Checkpoint>> parse_safetensors(std::span<const std::byte> bytes,
                                                            std::string_view subject,
                                                            const Limits& limits = {});
Result<std::shared_ptr<const Checkpoint>> open_safetensors(const std::filesystem::path& path,
                                                           const Limits& limits = {});

/// Writes atomically. Tensors are stored in the given order; the header is padded so that the data
/// is 64-byte aligned.
Status write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                         const std::map<std::string, std::string>& metadata = {});
/// The same into an open file, without commit(). `subject` starts the messages.
Status write_safetensors(AtomicFile& file, const std::string& subject, const NamedTensors& tensors,
                         const std::map<std::string, std::string>& metadata = {});

}  // namespace mien::checkpoint
