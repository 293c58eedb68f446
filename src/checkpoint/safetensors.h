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

/// Reads safetensors from bytes that the caller keeps alive. Checks every promise of the format:
/// header length, JSON, known dtypes, shapes against byte ranges, no overlap, no hole, the buffer
/// used to its end.
Result<std::shared_ptr<const Checkpoint>> parse_safetensors(std::span<const std::byte> bytes,
                                                            std::string_view subject,
                                                            const Limits& limits = {});
Result<std::shared_ptr<const Checkpoint>> open_safetensors(const std::filesystem::path& path,
                                                           const Limits& limits = {});

/// Writes atomically; tensors are laid out in the given order, data 64-byte aligned by padding the
/// header.
Status write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                         const std::map<std::string, std::string>& metadata = {});
/// The same into an open file, without commit(). `subject` names it in messages.
Status write_safetensors(AtomicFile& file, const std::string& subject, const NamedTensors& tensors,
                         const std::map<std::string, std::string>& metadata = {});

}  // namespace mien::checkpoint
