#include "cli/data_caption.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <memory>

#include "cli/help.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/run_files.h"
#include "core/file.h"
#include "data/captions.h"
#include "data/csv.h"
#include "data/geometry.h"
#include "data/store.h"
#include "mien/face/finder.h"
#include "mien/image/decode.h"
#include "report/text.h"

namespace mien::cli {
namespace {

struct CaptionVerb {
  std::string in;
  std::string out;
  std::uint64_t seed = 1;
  bool landmarks = false;
  FaceOptions face;
};

struct Captions {
  std::int64_t made = 0;
  std::int64_t kept = 0;
  std::int64_t without = 0;
  std::int64_t faceless = 0;  ///< pictures in which no face was measured
};

std::size_t column(data::CsvTable& table, std::string_view name) {
  const auto it = std::find(table.columns.begin(), table.columns.end(), name);
  const auto index = static_cast<std::size_t>(it - table.columns.begin());
  if (it != table.columns.end()) return index;
  table.columns.emplace_back(name);
  for (data::CsvRow& row : table.rows) row.cells.emplace_back();
  return index;
}

// Measures faces in the pictures beside a manifest.
class Measuring {
 public:
  static Result<Measuring> make(const CaptionVerb& verb) {
    Measuring out;
    MIEN_ASSIGN_OR_RETURN(out.store_, data::open_store_beside(verb.in));
    FaceOptions options = verb.face;
    MIEN_ASSIGN_OR_RETURN(const face::FinderOptions finder, finder_options(options));
    MIEN_ASSIGN_OR_RETURN(out.finder_, face::make_finder(finder));
    return out;
  }

  // None if there is no face.
  Result<std::optional<data::FaceGeometry>> measure(const std::string& path) {
    MIEN_ASSIGN_OR_RETURN(const auto bytes, store_->read(path));
    const auto picture = image::decode(bytes);
    if (!picture.ok()) return picture.status().with_prefix(path);
    MIEN_ASSIGN_OR_RETURN(const auto faces, finder_->find(picture->view(), path));
    if (faces.empty() || faces.front().landmarks68.size() != 68) {
      return std::optional<data::FaceGeometry>();
    }
    return data::measure_face(faces.front().landmarks68);
  }

 private:
  std::shared_ptr<const data::Store> store_;
  std::unique_ptr<face::FaceFinder> finder_;
};

// Fills the geo_* columns of all rows without them. A picture that cannot be read is reported, and
// its cells stay empty.
Status measure_faces(data::CsvTable& table, const CaptionVerb& verb, Context& context,
                     Captions& captions) {
  const std::size_t path = column(table, "path");
  std::array<std::size_t, data::kGeometryMeasures> columns = {};
  for (std::size_t m = 0; m < columns.size(); ++m) {
    columns[m] = column(table, data::kGeometryColumns[m]);
  }
  MIEN_ASSIGN_OR_RETURN(Measuring measuring, Measuring::make(verb));
  Progress progress("faces", static_cast<std::int64_t>(table.rows.size()));
  std::int64_t done = 0;
  for (data::CsvRow& row : table.rows) {
    if (interrupted()) return cancelled("data caption: cancelled; nothing was written");
    progress.update(done++);
    if (!row.cells[columns[0]].empty()) continue;
    const auto face = measuring.measure(row.cells[path]);
    if (!face.ok()) {
      context.fail(face.status().with_prefix(fmt::format("{}:{}", verb.in, row.line)),
                   kExitSomeFailed);
      continue;
    }
    if (!*face) {
      ++captions.faceless;
      continue;
    }
    for (std::size_t m = 0; m < columns.size(); ++m) {
      row.cells[columns[m]] = fmt::format("{:.4f}", (*face)->values[m]);
    }
  }
  progress.finish();
  return {};
}

// One caption for the votes and measures of a row.
Result<std::string> sentences(const data::CsvTable& table, const data::CsvRow& row,
                              const std::string& id, std::uint64_t seed) {
  data::Sample sample{.id = id};
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const std::string& name = table.columns[c];
    if ((name.starts_with("fp_") || name.starts_with("geo_")) && !row.cells[c].empty()) {
      sample.extra.emplace(name, row.cells[c]);
    }
  }
  MIEN_ASSIGN_OR_RETURN(const auto votes, data::votes_of(sample));
  MIEN_ASSIGN_OR_RETURN(const auto face, data::geometry_of(sample));
  std::string out = votes ? data::caption_from_votes(*votes, id, seed) : std::string();
  const std::string shape = face ? data::caption_from_geometry(*face, id, seed) : std::string();
  if (!out.empty() && !shape.empty()) out += ' ';
  return out + shape;
}

Status fill_captions(data::CsvTable& table, const CaptionVerb& verb, Captions& out) {
  const std::size_t caption = column(table, "caption");
  const std::size_t path = column(table, "path");
  for (data::CsvRow& row : table.rows) {
    if (!row.cells[caption].empty()) {
      ++out.kept;
      continue;
    }
    const auto text = sentences(table, row, row.cells[path], verb.seed);
    if (!text.ok()) return text.status().with_prefix(fmt::format("{}:{}", verb.in, row.line));
    row.cells[caption] = *text;
    ++(text->empty() ? out.without : out.made);
  }
  return {};
}

Status check_columns(const data::CsvTable& table, const CaptionVerb& verb) {
  const auto has = [&](std::string_view name, bool prefix) {
    return std::any_of(table.columns.begin(), table.columns.end(), [&](const std::string& column) {
      return prefix ? column.starts_with(name) : column == name;
    });
  };
  if (has("path", false) && (verb.landmarks || has("fp_", true) || has("geo_", true))) return {};
  return corrupt(
      fmt::format("{}:1: columns missing (expected 'path' and votes such as 'fp_neutral', or "
                  "--landmarks; got {})",
                  verb.in, fmt::join(table.columns, ", ")));
}

void run_caption(Context& context, const CaptionVerb& verb) {
  constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 30;
  if (const Status status = context.apply(); !status.ok()) return context.fail(status, kExitUsage);
  if (const Status status = check_file(verb.in, "-o", verb.out, {".csv"}); !status.ok()) {
    return context.fail(status, kExitUsage);
  }
  const auto text = read_text_file(verb.in, kMaxBytes);
  if (!text.ok()) return context.fail(text.status(), kExitUsage);
  auto table = data::parse_csv(*text, verb.in);
  if (!table.ok()) return context.fail(table.status(), kExitUsage);
  Captions captions;
  Status status = check_columns(*table, verb);
  if (status.ok() && verb.landmarks) status = measure_faces(*table, verb, context, captions);
  if (status.ok()) status = fill_captions(*table, verb, captions);
  if (!status.ok()) return context.fail(status, kExitUsage);
  status = write_file_atomically(verb.out, data::csv_text(*table));
  if (!status.ok()) return context.fail(status, kExitSomeFailed);
  fmt::print("{}: {} captions made, {} kept, {} rows without\n", report::printable(verb.out),
             captions.made, captions.kept, captions.without);
  if (captions.faceless > 0) fmt::print("no face found in {} pictures\n", captions.faceless);
}

}  // namespace

void add_data_caption(CLI::App& verb, Context& context) {
  auto caption = std::make_shared<CaptionVerb>();
  CLI::App* caption_verb = verb.add_subcommand(
      "caption", "Add captions to a manifest, made from its votes and the shape of its faces");
  begin_group(*caption_verb, "Captions");
  caption_verb
      ->add_option("manifest", caption->in,
                   "CSV with the column path, and votes (fp_neutral ... fp_nf) or --landmarks")
      ->required();
  caption_verb->add_option("-o,--output,--out", caption->out, "CSV to write")
      ->required()
      ->type_name("FILE");
  caption_verb->add_option("--seed", caption->seed, "Seed for the choice of wordings")
      ->capture_default_str();
  caption_verb->add_flag("--landmarks", caption->landmarks,
                         "Measure faces (columns geo_*) and describe what stands out");
  add_face_options(*caption_verb, caption->face);
  caption_verb->callback([&context, caption] { run_caption(context, *caption); });
}

}  // namespace mien::cli
