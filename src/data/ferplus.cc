// FER+ (Barsoum et al., ICMI 2016): ten votes for each picture of FER2013, 8 classes.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "data/pixel_rows.h"
#include "data/readers.h"

namespace mien::data {
namespace {

constexpr std::size_t kClassCount = 8;
// Columns of the file with the names that our manifests give them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kVoteColumns = {{
    {"neutral", "fp_neutral"},
    {"happiness", "fp_happiness"},
    {"surprise", "fp_surprise"},
    {"sadness", "fp_sadness"},
    {"anger", "fp_anger"},
    {"disgust", "fp_disgust"},
    {"fear", "fp_fear"},
    {"contempt", "fp_contempt"},
    {"unknown", "fp_unknown"},
    {"NF", "fp_nf"},
}};
using Votes = std::array<int, kVoteColumns.size()>;

// The published rule for one label: a single vote is an outlier, and more than half of the rest
// must agree. Plurality: the most votes, without a draw. No class: the picture has no label.
std::optional<int> label_of_votes(Votes votes, bool majority) {
  int sum = 0;
  for (int& count : votes) {
    if (majority && count <= 1) count = 0;
    sum += count;
  }
  const auto top = std::max_element(votes.begin(), votes.end());
  const bool draw = std::count(votes.begin(), votes.end(), *top) > 1;
  const auto winner = static_cast<int>(top - votes.begin());
  if (*top == 0 || draw || winner >= static_cast<int>(kClassCount)) return std::nullopt;
  if (majority && 2 * *top <= sum) return std::nullopt;
  return winner;
}

std::vector<float> shares(const Votes& votes) {
  int sum = 0;
  for (std::size_t c = 0; c < kClassCount; ++c) sum += votes[c];
  std::vector<float> out;
  for (std::size_t c = 0; c < kClassCount && sum > 0; ++c) {
    out.push_back(static_cast<float>(votes[c]) / static_cast<float>(sum));
  }
  return out;
}

class FerPlusReader {
 public:
  FerPlusReader(const DatasetFiles& files, const DatasetOptions& options)
      : files_(files), options_(options) {}

  Result<Manifest> read() {
    out_.name = "ferplus";
    for (std::size_t c = 0; c < kClassCount; ++c) out_.classes.emplace_back(kVoteColumns[c].first);
    MIEN_ASSIGN_OR_RETURN(const std::string name, files_.first_file({"fer2013new.csv"}));
    subject_ = files_.subject(name);
    MIEN_ASSIGN_OR_RETURN(const CsvTable table, files_.csv(name));
    MIEN_ASSIGN_OR_RETURN(const auto usage, require_column(table, "Usage", subject_));
    MIEN_ASSIGN_OR_RETURN(const auto image, require_column(table, "Image name", subject_));
    for (std::size_t v = 0; v < kVoteColumns.size(); ++v) {
      MIEN_ASSIGN_OR_RETURN(votes_[v], require_column(table, kVoteColumns[v].first, subject_));
    }
    MIEN_RETURN_IF_ERROR(find_pictures(table));
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      const CsvRow& row = table.rows[i];
      MIEN_RETURN_IF_ERROR(add(row, i, row.cells[usage], row.cells[image]));
    }
    return std::move(out_);
  }

 private:
  std::string where(const CsvRow& row) const { return fmt::format("{}:{}", subject_, row.line); }

  // Files in folders by split, or the rows of FER2013's CSV, which are in the same order.
  Status find_pictures(const CsvTable& table) {
    folder_ = options_.pictures;
    for (const std::string_view root : {"", "data/", "Images/"}) {
      MIEN_ASSIGN_OR_RETURN(const auto found,
                            files_.find_folder({fmt::format("{}FER2013Train", root),
                                                fmt::format("{}FER2013Valid", root),
                                                fmt::format("{}FER2013Test", root)}));
      if (found) {
        folder_ = root;
        return {};
      }
    }
    if (!options_.pictures.empty()) {
      folder_ += '/';
      return {};
    }
    for (const std::string_view name :
         {"fer2013.csv", "icml_face_data.csv", "fer2013/fer2013.csv"}) {
      if (!files_.store()->contains(name)) continue;
      MIEN_ASSIGN_OR_RETURN(PixelRows rows, PixelRows::open(files_.folder() / name));
      if (rows.rows.size() != table.rows.size()) {
        return corrupt(fmt::format("{}: has {} rows (expected {}, as {} has)", subject_,
                                   table.rows.size(), rows.rows.size(), files_.subject(name)));
      }
      out_.store = std::make_shared<PixelStore>(std::move(rows), files_.subject(name));
      return {};
    }
    return not_found(
        fmt::format("{}: has no pictures (expected folders FER2013Train, FER2013Valid, "
                    "FER2013Test, or fer2013.csv)",
                    files_.folder().generic_string()));
  }

  Result<Votes> votes_of(const CsvRow& row) const {
    Votes out{};
    for (std::size_t v = 0; v < kVoteColumns.size(); ++v) {
      const auto value = parse_integer(row.cells[votes_[v]]);
      if (!value || *value < 0 || *value > 1000) {
        return corrupt(fmt::format("{}: {} is '{}' (expected a number of votes)", where(row),
                                   kVoteColumns[v].first, row.cells[votes_[v]]));
      }
      out[v] = static_cast<int>(*value);
    }
    return out;
  }

  Status add(const CsvRow& row, std::size_t index, const std::string& usage,
             const std::string& image) {
    MIEN_ASSIGN_OR_RETURN(std::string split, split_of_usage(usage, where(row)));
    MIEN_ASSIGN_OR_RETURN(const Votes votes, votes_of(row));
    if (!options_.split.empty() && split != options_.split) return {};
    Sample sample{.id = fmt::format("fer{:07}", index), .soft = shares(votes), .split = split};
    if (const auto label = label_of_votes(votes, options_.variant == "majority")) {
      sample.labels = {*label};
    }
    for (std::size_t v = 0; v < kVoteColumns.size(); ++v) {
      sample.extra[std::string(kVoteColumns[v].second)] = fmt::format("{}", votes[v]);
    }
    if (out_.store) {
      sample.frames = {PixelStore::name_of(index)};
      out_.samples.push_back(std::move(sample));
      return {};
    }
    if (image.empty()) {  // agreed not to be a face: the folders have no picture of it
      ++out_.unlabelled;
      return {};
    }
    const std::string_view of_split = split == "train" ? "FER2013Train"
                                      : split == "val" ? "FER2013Valid"
                                                       : "FER2013Test";
    return SampleSink(files_, options_, out_)
        .add_picture(std::move(sample), fmt::format("{}{}/{}", folder_, of_split, image),
                     where(row));
  }

  const DatasetFiles& files_;
  const DatasetOptions& options_;
  Manifest out_;
  std::string subject_;
  std::string folder_;
  std::array<std::size_t, kVoteColumns.size()> votes_{};
};

}  // namespace

Result<Manifest> read_ferplus(const DatasetFiles& files, const DatasetOptions& options) {
  return FerPlusReader(files, options).read();
}

}  // namespace mien::data
