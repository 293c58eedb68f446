#include "methods/exp_clip/teacher_vectors.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <map>
#include <numeric>
#include <string_view>

#include "core/file.h"
#include "mien/checkpoint/checkpoint.h"
#include "nn/load.h"

namespace mien::methods {
namespace {

constexpr std::uint64_t kMaxIdBytes = std::uint64_t{256} << 20;

Result<torch::Tensor> read_vectors(const std::filesystem::path& file) {
  MIEN_ASSIGN_OR_RETURN(const auto weights, checkpoint::open_checkpoint(file));
  const TensorView* found = weights->find("vectors");
  if (found == nullptr || found->rank() != 2 || found->dim(0) < 1 || found->dim(1) < 1) {
    return corrupt(fmt::format("{}: {} (expected a tensor 'vectors' of shape [rows, width])",
                               file.string(),
                               found == nullptr ? "has no 'vectors'" : "has another shape"));
  }
  MIEN_ASSIGN_OR_RETURN(torch::Tensor out, nn::to_torch(*found));
  const torch::Tensor norms = out.norm(2, 1, true);
  if (!at::isfinite(norms).all().item<bool>() || !norms.gt(0).all().item<bool>()) {
    return corrupt(file.string() + ": a row is zero or not finite");
  }
  return out.div_(norms);
}

Result<std::map<std::string, std::int64_t>> read_ids(const std::filesystem::path& file) {
  MIEN_ASSIGN_OR_RETURN(const std::string text, read_text_file(file, kMaxIdBytes));
  std::map<std::string, std::int64_t> out;
  std::string_view rest = text;
  for (std::int64_t row = 0; !rest.empty(); ++row) {
    const std::size_t end = rest.find('\n');
    std::string line(rest.substr(0, end));
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || !out.emplace(line, row).second) {
      return corrupt(fmt::format("{}:{}: {} (expected the id of another sample)", file.string(),
                                 row + 1, line.empty() ? "empty" : "duplicate"));
    }
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return out;
}

}  // namespace

Result<TeacherVectors> TeacherVectors::load(const std::filesystem::path& file,
                                            const std::filesystem::path& ids,
                                            const data::Manifest& manifest,
                                            const data::View& view) {
  TeacherVectors out;
  MIEN_ASSIGN_OR_RETURN(out.vectors_, read_vectors(file));
  const std::int64_t rows = out.vectors_.size(0);
  out.row_of_.assign(manifest.samples.size(), -1);
  std::size_t expected = manifest.samples.size();
  if (ids.empty()) {
    std::iota(out.row_of_.begin(), out.row_of_.end(), std::int64_t{0});
  } else {
    MIEN_ASSIGN_OR_RETURN(const auto found, read_ids(ids));
    expected = found.size();
    for (std::size_t i = 0; i < manifest.samples.size(); ++i) {
      const auto it = found.find(manifest.samples[i].id);
      if (it != found.end()) out.row_of_[i] = it->second;
    }
  }
  if (static_cast<std::size_t>(rows) != expected) {
    return invalid_argument(fmt::format(
        "{}: has {} rows (expected {}, as {})", file.string(), rows, expected,
        ids.empty() ? fmt::format("{} has samples", manifest.name) : ids.string() + " has lines"));
  }
  for (const std::int64_t place : view) {
    if (out.row_of_[static_cast<std::size_t>(place)] >= 0) continue;
    return invalid_argument(fmt::format("{}: has no line for sample '{}'", ids.string(),
                                        manifest.samples[static_cast<std::size_t>(place)].id));
  }
  return out;
}

torch::Tensor TeacherVectors::rows(const std::vector<std::int64_t>& places) const {
  std::vector<std::int64_t> rows;
  for (const std::int64_t place : places) rows.push_back(row_of_[static_cast<std::size_t>(place)]);
  return vectors_.index_select(0, torch::tensor(rows, torch::kInt64));
}

}  // namespace mien::methods
