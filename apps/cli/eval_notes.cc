#include "cli/eval_notes.h"

#include <fmt/format.h>

#include "data/class_doubts.h"

namespace mien::cli {

void DataNotes::add_to(Json& out) const {
  Json use = Json::object();
  use.set("mode", face::to_string(faces));
  use.set("chosen_by", by_data ? "data" : "option");
  if (by_data) {
    use.set("looked_at", looked.looked_at);
    use.set("crops", looked.crops);
    use.set("frames", looked.frames);
  }
  out.set("faces", std::move(use));
  out.set("class_doubts", Json::Array(class_doubts.begin(), class_doubts.end()));
}

std::string DataNotes::faces_text() const {
  std::string out = faces == face::Mode::kWhole   ? "pictures taken whole"
                    : faces == face::Mode::kBoxes ? "from the file of boxes"
                                                  : "the largest face found in each picture";
  if (!by_data) return out + fmt::format(" (--face {})", face::to_string(faces));
  const bool whole = faces == face::Mode::kWhole;
  if (looked.crops + looked.frames == 0) {
    return out + fmt::format(" (no face found in {} sampled pictures)", looked.looked_at);
  }
  return out + fmt::format(" ({} of {} sampled pictures {}; --face {} would {})",
                           whole ? looked.crops : looked.frames, looked.looked_at,
                           whole ? "are face crops" : "show more than a face",
                           whole ? "auto" : "whole",
                           whole ? "search them, as predict does" : "take them whole");
}

void DataNotes::add_to(report::Facts& facts) const {
  facts.emplace_back("faces", faces_text());
  if (!class_doubts.empty()) {
    facts.emplace_back("doubtful classes", fmt::format("{}", fmt::join(class_doubts, "; ")));
  }
}

Result<DataNotes> look_at_data(const Context& context, const FaceOptions& faces,
                               const data::Manifest& manifest, bool regression,
                               eval::RunOptions& run) {
  DataNotes out{.by_data = faces.mode == kFacesByData && faces.finder.boxes_file.empty() &&
                           faces.region.empty()};
  if (out.by_data) {
    MIEN_ASSIGN_OR_RETURN(out.looked, eval::look_for_faces(manifest, run.finder, run.limits));
    run.finder.mode = out.looked.mode();
  }
  out.faces = run.finder.mode;
  if (!regression) out.class_doubts = data::class_doubts(manifest);
  for (const std::string& doubt : out.class_doubts) {
    context.report(fmt::format("{}: {}", manifest.name, doubt));
  }
  return out;
}

}  // namespace mien::cli
