#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "core/file.h"
#include "engine/bundle_files.h"
#include "mien/checkpoint/checkpoint.h"
#include "mien/core/json.h"
#include "mien/core/limits.h"
#include "mien/core/status.h"

namespace mien::engine {

/// The files of a bundle of any kind: a folder, or an uncompressed tar of the same files.
/// Immutable; safe from several threads.
class BundleFolder {
 public:
  /// Errors: kNotFound for a folder that is not a bundle; those of parse_tar and of mapping the
  /// file.
  static Result<std::shared_ptr<const BundleFolder>> open(const std::filesystem::path& path,
                                                          const Limits& limits);

  /// The text of a file. Errors: kNotFound, kIo, kResourceLimit.
  Result<std::string> text(const std::string& name, std::uint64_t max_bytes) const;
  /// The tensors, which keep what they are mapped from. Errors: kNotFound, and those of
  /// parse_safetensors.
  Result<std::shared_ptr<const checkpoint::Checkpoint>> weights(const Limits& limits) const;
  /// Compares files with their sha256. Errors: kCorrupt naming the first that differs.
  Status verify(const std::map<std::string, std::string>& hashes) const;

 private:
  Result<std::string> hash(const std::string& name) const;

  std::filesystem::path root_;
  std::shared_ptr<const MappedFile> tar_;
  std::map<std::string, std::span<const std::byte>> entries_;  // of the tar
};

/// bundle.json, which is an object. Errors: kCorrupt, kResourceLimit.
Result<Json> parse_info(std::string_view text, std::string_view subject, const Limits& limits);

/// A number within bounds. Errors: kCorrupt.
Result<double> number_in(const Json& json, const char* key, double least, double most,
                         std::string_view subject);

/// `provenance`, an object of any content. Errors: kCorrupt.
Result<Json> parse_provenance(const Json& json, std::string_view subject);

/// What `kind` of bundle.json says; "recognizer" where it says nothing, as in every bundle before
/// there were kinds.
Result<std::string> bundle_kind(const Json& json, std::string_view subject);
constexpr const char* kRecognizerKind = "recognizer";
constexpr const char* kDetectorKind = "detector";

/// The sha256 of every other file. Errors: kCorrupt.
Result<std::map<std::string, std::string>> parse_files(const Json& json, std::string_view subject);
Json files_json(const std::map<std::string, std::string>& files);

}  // namespace mien::engine
