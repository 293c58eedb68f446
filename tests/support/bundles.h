#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "engine/tiny_bundle.h"
#include "mien/engine/bundle.h"
#include "text/tokenizer.h"

namespace mien::test {

/// The random tiny bundle, written to `path` and loaded.
inline Result<std::shared_ptr<const engine::Bundle>> tiny_bundle(
    const std::filesystem::path& path) {
  MIEN_RETURN_IF_ERROR(engine::write_tiny_bundle(path));
  return engine::Bundle::load(path);
}

/// Writes and loads a bundle of `info` with the tensors and the tokenizer of `plain` and additional
/// tensors.
inline Result<std::shared_ptr<const engine::Bundle>> extended_bundle(
    const engine::Bundle& plain, engine::BundleInfo info, const checkpoint::NamedTensors& more,
    const std::filesystem::path& path) {
  engine::BundleContent content;
  content.info = std::move(info);
  for (const auto& [name, view] : plain.weights().tensors())
    content.tensors.emplace_back(name, view);
  content.tensors.insert(content.tensors.end(), more.begin(), more.end());
  MIEN_ASSIGN_OR_RETURN(const auto tokenizer, plain.tokenizer());
  content.tokenizer = tokenizer->file_text();
  content.card = "test";
  MIEN_RETURN_IF_ERROR(engine::write_bundle(path, std::move(content), true));
  return engine::Bundle::load(path);
}

}  // namespace mien::test
