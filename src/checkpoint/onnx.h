#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/status.h"
#include "mien/tensor/tensor.h"

namespace mien::checkpoint {

/// One operation of a graph. Only integer attributes are kept: converting needs no others.
struct OnnxNode {
  std::string op;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::map<std::string, std::vector<std::int64_t>> integers;  ///< also single values
};

/// A graph with its weights. Views point into the bytes it was parsed from.
struct OnnxGraph {
  std::vector<OnnxNode> nodes;
  std::map<std::string, TensorView> weights;  ///< float tensors of the file; others are not needed
  std::vector<std::string> inputs;            ///< except those that are weights
  std::vector<std::string> outputs;
};

/// Parses the graph of an ONNX model without running it. Weights in other files are an error.
/// Errors: kCorrupt, kUnsupported, kResourceLimit.
Result<OnnxGraph> parse_onnx(std::span<const std::byte> bytes, std::string_view subject,
                             const Limits& limits = {});

/// A graph, and the file that holds it.
struct OnnxFile {
  std::shared_ptr<const void> bytes;  ///< keeps the views of the graph alive
  OnnxGraph graph;
};
/// parse_onnx for a file. Errors: as parse_onnx; kNotFound, kIo.
Result<OnnxFile> open_onnx(const std::filesystem::path& path, const Limits& limits = {});

}  // namespace mien::checkpoint
