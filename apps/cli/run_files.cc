#include "cli/run_files.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "cli/clip_outputs.h"
#include "core/file.h"
#include "mien/image/decode.h"
#include "mien/video/source.h"

namespace mien::cli {
namespace {

namespace fs = std::filesystem;

void add_bundle(OutputGuard& guard, const std::string& bundle) {
  if (bundle.empty()) return;
  const auto path = find_model(bundle);
  if (path.ok()) guard.reads("--bundle", *path);
}

// The folders that hold inputs, each looked up once.
class InputFolders {
 public:
  explicit InputFolders(const InputList& inputs) {
    for (const Input& input : inputs.inputs) {
      if (input.kind != Input::Kind::kFile) continue;
      insert(fs::path(input.name).parent_path());
      if (!input.folder.empty()) listed_.insert(absolute_name(input.folder).string());
    }
  }
  bool holds(const fs::path& file) {
    return folders_.contains(known(file.has_parent_path() ? file.parent_path() : fs::path(".")));
  }
  bool listed(const fs::path& folder) const {
    return listed_.contains(absolute_name(folder).string());
  }

 private:
  void insert(const fs::path& folder) {
    folders_.insert(known(folder.empty() ? fs::path(".") : folder));
  }
  const std::string& known(const fs::path& folder) {
    const auto [entry, is_new] = names_.try_emplace(folder.string());
    if (is_new) entry->second = absolute_name(folder / ".").string();
    return entry->second;
  }
  std::map<std::string, std::string> names_;
  std::set<std::string> folders_;
  std::set<std::string> listed_;
};

struct FolderOutput {
  std::string option;
  std::string folder;
  std::string of_pictures;  ///< ending of a picture's file; empty: pictures have none
  std::string of_clips;
};

// Whether an input is a picture or a clip shows only when it is read; its name must do here. Both
// endings for other names.
std::vector<std::string> endings_of(const FolderOutput& output, const Input& input) {
  std::vector<std::string> out;
  const bool picture = image::has_image_extension(input.name);
  const bool clip = video::has_video_extension(input.name);
  if (!output.of_pictures.empty() && (picture || !clip)) out.push_back(output.of_pictures);
  if (clip || !picture) out.push_back(output.of_clips);
  return out;
}

Status check_folder(OutputGuard& guard, const InputList& inputs, const FolderOutput& output) {
  FolderNames names(inputs);
  InputFolders folders(inputs);
  for (const Input& input : inputs.inputs) {
    if (input.kind == Input::Kind::kProblem) continue;
    for (const std::string& ending : endings_of(output, input)) {
      const fs::path file = names.name(output.folder, input.name, ending);
      std::error_code error;
      MIEN_RETURN_IF_ERROR(guard.writes(output.option, file));
      if (fs::exists(file, error) && folders.holds(file)) {
        return invalid_argument(fmt::format(
            "{} {}: {} exists beside the inputs and would be replaced (expected another folder)",
            output.option, output.folder, file.string()));
      }
    }
  }
  if (output.option == "--annotate" && folders.listed(output.folder)) {
    return invalid_argument(fmt::format(
        "--annotate {}: is a folder of inputs, so drawings would be inputs of the next run "
        "(expected another folder)",
        output.folder));
  }
  return {};
}

}  // namespace

OutputGuard guard_of(const ReadFiles& files) {
  OutputGuard guard;
  if (files.inputs != nullptr) {
    for (const Input& input : files.inputs->inputs) {
      if (input.kind == Input::Kind::kFile || input.kind == Input::Kind::kFrames ||
          input.kind == Input::Kind::kPipe) {
        guard.reads("input", input.name);
      }
    }
  }
  add_bundle(guard, files.bundle);
  if (!files.labels.empty()) guard.reads("--labels", files.labels);
  if (!files.boxes.empty()) guard.reads("--boxes", files.boxes);
  if (!files.landmarks.empty()) guard.reads("--landmark-model", files.landmarks);
  return guard;
}

Status check_files(const ReadFiles& files, const OutputOptions& outputs,
                   const std::string& report) {
  if (!report.empty()) {
    MIEN_RETURN_IF_ERROR(check_ending("--report", report, {".html", ".htm", ".xhtml"}));
  }
  OutputGuard guard = guard_of(files);
  const InputList& inputs = *files.inputs;
  const bool file_each =
      is_clip_format(outputs.format) && is_output_folder(outputs.file, inputs.several);
  if (file_each && !outputs.file.empty()) {
    const std::string ending = "." + outputs.format;
    MIEN_RETURN_IF_ERROR(check_folder(
        guard, inputs,
        {.option = "-o", .folder = outputs.file, .of_pictures = "", .of_clips = ending}));
  } else if (!outputs.file.empty()) {
    MIEN_RETURN_IF_ERROR(guard.writes("-o", outputs.file));
  } else if (Status status = guard.writes("standard output", "/dev/stdout"); !status.ok()) {
    return status;  // `mien predict a.png >>a.png`
  }
  if (!report.empty()) MIEN_RETURN_IF_ERROR(guard.writes("--report", report));
  if (outputs.annotate.empty()) return {};
  if (!is_output_folder(outputs.annotate, inputs.several)) {
    return guard.writes("--annotate", outputs.annotate);
  }
  return check_folder(guard, inputs,
                      {.option = "--annotate",
                       .folder = outputs.annotate,
                       .of_pictures = ".png",
                       .of_clips = ".mp4"});
}

Status check_eval_files(const EvalFiles& files) {
  OutputGuard guard;
  std::error_code error;
  if (const std::size_t colon = files.data.find(':');
      !fs::exists(files.data, error) && colon != std::string::npos) {
    guard.reads_below("--data", files.data.substr(colon + 1));
  } else if (!files.data.empty()) {
    guard.reads("--data", files.data);
  }
  for (const std::string& bundle : files.bundles) add_bundle(guard, bundle);
  for (const std::string& labels : files.labels) {
    if (!labels.empty()) guard.reads("labels", labels);
  }
  if (!files.boxes.empty()) guard.reads("--boxes", files.boxes);
  if (!files.report.empty()) {
    MIEN_RETURN_IF_ERROR(check_ending("--report", files.report, {".html", ".htm", ".xhtml"}));
    MIEN_RETURN_IF_ERROR(guard.writes("--report", files.report));
    MIEN_RETURN_IF_ERROR(AtomicFile::check(files.report));
  }
  if (!files.predictions.empty()) {
    MIEN_RETURN_IF_ERROR(check_ending("--predictions", files.predictions, {".csv", ".txt"}));
    MIEN_RETURN_IF_ERROR(guard.writes("--predictions", files.predictions));
    MIEN_RETURN_IF_ERROR(AtomicFile::check(files.predictions));
  }
  return {};
}

Status check_file(const std::string& in, const std::string& option, const std::string& out,
                  const std::vector<std::string_view>& endings) {
  if (out.empty()) return {};
  if (!endings.empty()) MIEN_RETURN_IF_ERROR(check_ending(option, out, endings));
  OutputGuard guard;
  for (const char* beside : {"", "-wal", "-shm"}) guard.reads("input", in + beside);
  MIEN_RETURN_IF_ERROR(guard.writes(option, out));
  return AtomicFile::check(out);
}

Status check_bundle_output(const std::vector<std::string>& in, const std::string& out,
                           bool overwrite) {
  std::error_code error;
  if (!overwrite && fs::exists(out, error)) {
    return invalid_argument(
        fmt::format("{}: already exists (expected a new name, or --overwrite)", out));
  }
  MIEN_RETURN_IF_ERROR(engine::check_bundle_target(out, overwrite));
  OutputGuard guard;
  for (const std::string& each : in) {
    if (!each.empty()) guard.reads("input", each);
  }
  for (const char* name : {"bundle.json", "model.safetensors", "tokenizer.txt", "CARD.md"}) {
    MIEN_RETURN_IF_ERROR(guard.writes("bundle", fs::path(out) / name));
  }
  return {};
}

}  // namespace mien::cli
