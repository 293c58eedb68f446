#include "checkpoint/torch_zip.h"

#include <fmt/format.h>

#include <algorithm>

#include "checkpoint/torch_tensor.h"
#include "checkpoint/zip.h"
#include "core/checked.h"

namespace mien::checkpoint {
namespace {

constexpr std::uint64_t kExtraEntries = 100'000;  // code of a TorchScript archive
constexpr std::string_view kPickleName = "/data.pkl";
constexpr std::byte kPickleMark{0x80};

// The folder of all entries: torch.save uses the stem of the file name, or "archive".
Result<std::string> root_folder(const ZipArchive& zip, std::string_view subject) {
  std::string root;
  for (const auto& [name, entry] : zip.entries()) {
    if (!name.ends_with(kPickleName)) continue;
    const std::string_view folder = name.substr(0, name.size() - kPickleName.size());
    if (folder.find('/') != std::string_view::npos) continue;
    if (!root.empty()) {
      return corrupt(fmt::format("{}: zip has several data.pkl (expected one)", subject));
    }
    root = folder;
  }
  if (!root.empty()) return root;
  return unsupported(
      fmt::format("{}: zip is not a PyTorch file (expected <name>/data.pkl)", subject));
}

bool has_folder(const ZipArchive& zip, const std::string& prefix) {
  const auto found = zip.entries().lower_bound(prefix);
  return found != zip.entries().end() && found->first.starts_with(prefix);
}

Result<bool> is_big_endian(const ZipArchive& zip, const std::string& root, CopyBudget& budget,
                           std::string_view subject) {
  const std::string name = root + "/byteorder";
  if (zip.find(name) == nullptr) return false;
  MIEN_ASSIGN_OR_RETURN(const ZipContent content, zip.read(name, budget));
  const std::string_view text(reinterpret_cast<const char*>(content.bytes.data()),
                              content.bytes.size());
  if (text == "little") return false;
  if (text == "big") return true;
  return unsupported(
      fmt::format("{}: byte order '{}' (expected little or big)", subject, printable(text)));
}

}  // namespace

Result<Parts> read_torch_zip(std::span<const std::byte> bytes, std::string_view subject,
                             const Limits& limits, std::vector<std::string>* skipped) {
  CopyBudget budget(bytes.size(), limits);
  MIEN_ASSIGN_OR_RETURN(const ZipArchive zip,
                        ZipArchive::parse(bytes, subject, limits.max_tensors + kExtraEntries));
  MIEN_ASSIGN_OR_RETURN(const std::string root, root_folder(zip, subject));
  CollectOptions options;
  options.script = zip.find(root + "/constants.pkl") != nullptr || has_folder(zip, root + "/code/");
  MIEN_ASSIGN_OR_RETURN(options.big_endian, is_big_endian(zip, root, budget, subject));
  Parts parts;
  parts.format = options.script ? "torchscript" : "torch-zip";
  MIEN_ASSIGN_OR_RETURN(const ZipContent program,
                        zip.read(root + std::string(kPickleName), budget));
  MIEN_ASSIGN_OR_RETURN(const PickleGraph graph, run_pickle(program.bytes, subject, limits));

  // Each storage is unpacked and checked once, however many tensors share it.
  std::map<std::string, std::span<const std::byte>, std::less<>> ready;
  const StorageLookup lookup =
      [&](const TorchStorage& storage) -> Result<std::span<const std::byte>> {
    auto found = ready.find(storage.key);
    if (found == ready.end()) {
      const std::string name = fmt::format("{}/data/{}", root, storage.key);
      MIEN_ASSIGN_OR_RETURN(ZipContent content, zip.read(name, budget));
      if (!content.owned.bytes().empty()) parts.owned.push_back(std::move(content.owned));
      found = ready.emplace(storage.key, content.bytes).first;
    }
    const auto needed = checked_mul<std::uint64_t>(storage.count, storage.element_bytes);
    if (!needed || *needed > found->second.size()) {
      return corrupt(
          fmt::format("{}: storage '{}' is too small (expected {} elements of {} bytes, "
                      "got {} bytes)",
                      subject, printable(storage.key), storage.count, storage.element_bytes,
                      found->second.size()));
    }
    return found->second;
  };
  MIEN_RETURN_IF_ERROR(
      collect_tensors(graph, options, lookup, subject, limits, budget, skipped, parts));
  return parts;
}

bool looks_like_torch(std::span<const std::byte> bytes) {
  // A safetensors file may start with any two bytes: they are part of a length.
  if (bytes.size() < 4 || looks_like_safetensors(bytes)) return false;
  const bool pickle =
      bytes[0] == kPickleMark && bytes[1] >= std::byte{2} && bytes[1] <= std::byte{5};
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const bool tar = text.size() > 262 && text.substr(257, 5) == "ustar";
  return text.starts_with("PK") || pickle || tar;
}

Result<Parts> read_torch(std::span<const std::byte> bytes, std::string_view subject,
                         const Limits& limits, std::vector<std::string>* skipped) {
  if (!looks_like_torch(bytes)) {
    return corrupt(fmt::format("{}: not a PyTorch file (expected a zip or a pickle)", subject));
  }
  if (bytes[0] == std::byte{'P'}) return read_torch_zip(bytes, subject, limits, skipped);
  if (bytes[0] != kPickleMark) {
    return unsupported(
        fmt::format("{}: tar file of a PyTorch before 0.2 (expected the zip or the pickle form; "
                    "load and save it again)",
                    subject));
  }
  return read_torch_legacy(bytes, subject, limits, skipped);
}

Result<std::shared_ptr<const Checkpoint>> parse_torch(std::span<const std::byte> bytes,
                                                      std::string_view subject,
                                                      const Limits& limits,
                                                      std::vector<std::string>* skipped) {
  MIEN_ASSIGN_OR_RETURN(Parts parts, read_torch(bytes, subject, limits, skipped));
  return make_checkpoint(std::move(parts));
}

Result<std::shared_ptr<const Checkpoint>> open_torch(const std::filesystem::path& path,
                                                     const Limits& limits,
                                                     std::vector<std::string>* skipped) {
  MIEN_ASSIGN_OR_RETURN(auto file, map_checkpoint(path, limits));
  MIEN_ASSIGN_OR_RETURN(Parts parts, read_torch(file->bytes(), path.string(), limits, skipped));
  file->release(file->bytes());  // the checksums have touched every page
  parts.file = std::move(file);
  return make_checkpoint(std::move(parts));
}

}  // namespace mien::checkpoint
