#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mien/checkpoint/checkpoint.h"

namespace mien::checkpoint {

/// Reads files of `torch.save` and `torch.jit.save` (zip format and legacy pickle format) from
/// bytes that the caller keeps alive. Nothing in the file is executed: its pickle is read as a
/// description of tensors. Wrappers such as {"state_dict": ...} are skipped; optimiser state and
/// foreign objects are left out and named in `skipped`. Checks zip structure, checksums and storage
/// bounds.
/// Errors: kCorrupt, kUnsupported (naming the Python global that a tensor would need, or a file
/// without a map of tensors), kResourceLimit.
Result<std::shared_ptr<const Checkpoint>> parse_torch(std::span<const std::byte> bytes,
                                                      std::string_view subject,
                                                      const Limits& limits = {},
                                                      std::vector<std::string>* skipped = nullptr);
Result<std::shared_ptr<const Checkpoint>> open_torch(const std::filesystem::path& path,
                                                     const Limits& limits = {},
                                                     std::vector<std::string>* skipped = nullptr);

}  // namespace mien::checkpoint
