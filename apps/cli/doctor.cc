#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "cli/cli.h"
#include "cli/describe.h"
#include "core/cpus.h"
#include "face/landmarks.h"
#include "mien/face/detector.h"
#include "mien/kernels/cpu.h"
#include "mien/report/draw.h"
#include "report/text.h"
#include "video/version.h"

namespace mien::cli {
namespace {

namespace fs = std::filesystem;

enum class State { kOk, kWarn, kFail };

struct Check {
  std::string name;
  State state = State::kOk;
  std::string value;
  std::string advice;  ///< what to do about it; may be empty
};

const char* to_string(State state) {
  switch (state) {
    case State::kOk: return "ok";
    case State::kWarn: return "warn";
    case State::kFail: return "fail";
  }
  return "fail";
}

// The value of "key : value" in one of the kernel's text tables.
std::string proc_value(const char* file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

Check check_cpu() {
  std::string model = proc_value("/proc/cpuinfo", "model name");
  if (model.empty()) model = "unknown model";
  return {"cpu", State::kOk,
          fmt::format("{}, {} cores", model, std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN))), ""};
}

Check check_isa() {
  const kernels::Isa active = kernels::active_isa();
  const kernels::Isa best = kernels::detect_isa();
  Check out{"instructions", State::kOk, std::string(kernels::to_string(active)), ""};
  if (active != best) {
    out.value += fmt::format(" (limited; this CPU has {})", kernels::to_string(best));
  } else if (best == kernels::Isa::kGeneric) {
    out.state = State::kWarn;
    out.advice = "works, but slowly: a CPU with AVX2 is several times faster";
  }
  return out;
}

Check check_bf16() {
  if (kernels::has_fast_bf16()) {
    return {"bf16", State::kOk, "in hardware: --precision bf16 is about twice as fast", ""};
  }
  return {"bf16", State::kOk, "not in hardware: fp32 is the fastest here", ""};
}

Check check_int8() {
  if (kernels::has_fast_int8()) {
    return {"int8", State::kOk,
            "in hardware: --precision int8 is the fastest for vision transformers", ""};
  }
  return {"int8", State::kOk, "not in hardware: works, but is not faster", ""};
}

Check check_threads() {
  Check out{"threads", State::kOk, fmt::format("{}", kernels::threads()), ""};
  if (const auto quota = cpu_quota()) {
    out.value += fmt::format(" (CPU quota of this container or group: {:.4g})", *quota);
  }
  return out;
}

Check check_memory() {
  constexpr std::uint64_t kEnough = std::uint64_t{2} << 30;
  std::uint64_t kilobytes = 0;
  std::istringstream(proc_value("/proc/meminfo", "MemAvailable")) >> kilobytes;
  const std::uint64_t bytes = kilobytes * 1024;
  if (bytes == 0) return {"memory", State::kWarn, "unknown", ""};
  Check out{"memory", State::kOk, size_text(bytes) + " free", ""};
  if (bytes < kEnough) {
    out.state = State::kWarn;
    out.advice = "a ViT-B/32 needs about 1 GB, a ViT-L/14 about 3 GB: close other programs";
  }
  return out;
}

Check check_detector() {
  const auto detector = face::make_hog_detector();
  if (!detector.ok()) {
    return {"face detector", State::kFail, detector.status().message(),
            "only --face whole and --boxes FILE can work"};
  }
  return {"face detector", State::kOk, std::string((*detector)->name()), ""};
}

Check check_landmarks() {
  const fs::path path = face::kSystemLandmarkModel;
  const auto model = face::LandmarkModel::load(path);
  if (model.ok()) {
    return {"landmarks", State::kOk,
            fmt::format("{} points, {}", (*model)->point_count(), path.string()), ""};
  }
  return {"landmarks", State::kFail, model.status().message(),
          "install the package libdlib-data (apt install libdlib-data)"};
}

Check check_ffmpeg(const video::FfmpegInfo& info) {
  Check out{"ffmpeg", State::kOk, info.version, ""};
  if (!info.h264_decoder) {
    out.state = State::kWarn;
    out.value += ", no H.264 decoder";
    out.advice = "most clips cannot be read: install a complete FFmpeg (apt install ffmpeg)";
  }
  return out;
}

Check check_encoder(const video::FfmpegInfo& info) {
  if (info.h264_encoder) return {"clip encoder", State::kOk, "H.264 (libx264)", ""};
  if (info.mpeg4_encoder) {
    return {"clip encoder", State::kWarn, "MPEG-4 only, no H.264",
            "browsers do not play annotated clips: install an FFmpeg with libx264"};
  }
  return {"clip encoder", State::kWarn, "none", "--annotate cannot write clips"};
}

std::size_t count_fonts(const fs::path& folder, bool& dejavu) {
  static const std::set<std::string> endings = {".ttf", ".otf", ".ttc"};
  std::size_t count = 0;
  std::error_code error;
  auto it = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied,
                                             error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    if (!endings.contains(it->path().extension().string())) continue;
    ++count;
    dejavu = dejavu || it->path().filename() == "DejaVuSans.ttf";
  }
  return count;
}

Check check_fonts() {
  const auto annotator = report::Annotator::create();
  if (!annotator.ok()) {
    return {"fonts", State::kWarn, annotator.status().message(),
            "--annotate cannot write words: install fontconfig and fonts-dejavu-core"};
  }
  bool dejavu = false;
  const std::size_t count =
      count_fonts("/usr/share/fonts", dejavu) + count_fonts("/usr/local/share/fonts", dejavu);
  const std::string value = fmt::format("{} font files{}", count, dejavu ? ", DejaVu Sans" : "");
  if (dejavu) return {"fonts", State::kOk, value, ""};
  return {"fonts", State::kWarn, value,
          "annotated pictures look best with DejaVu Sans (apt install fonts-dejavu-core)"};
}

Check check_cameras() {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/dev", error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("video")) found.push_back(entry.path().string());
  }
  std::sort(found.begin(), found.end());
  if (found.empty()) return {"camera", State::kOk, "none (pictures and clips do not need one)", ""};
  Check out{"camera", State::kOk, fmt::format("{}", fmt::join(found, " ")), ""};
  if (::access(found.front().c_str(), R_OK | W_OK) != 0) {
    out.state = State::kWarn;
    out.advice = "not readable by this user: add it to the group 'video'";
  }
  return out;
}

std::vector<Check> run_checks() {
  const video::FfmpegInfo ffmpeg = video::ffmpeg_info();
  return {{"mien", State::kOk, MIEN_VERSION, ""},
          check_cpu(),
          check_isa(),
          check_bf16(),
          check_int8(),
          check_threads(),
          check_memory(),
          {"onednn", State::kOk, kernels::dnnl_version(), ""},
          check_detector(),
          check_landmarks(),
          check_ffmpeg(ffmpeg),
          check_encoder(ffmpeg),
          check_fonts(),
          check_cameras()};
}

void print_json(const std::vector<Check>& checks, bool healthy) {
  Json list = Json::array();
  for (const Check& check : checks) {
    Json row = Json::object();
    row.set("name", check.name);
    row.set("state", to_string(check.state));
    row.set("value", check.value);
    row.set("advice", check.advice.empty() ? Json() : Json(check.advice));
    list.push_back(std::move(row));
  }
  Json out = Json::object();
  out.set("kind", "doctor");
  out.set("healthy", healthy);
  out.set("checks", std::move(list));
  fmt::print("{}\n", out.dump());
}

void print_text(const std::vector<Check>& checks, bool colour) {
  for (const Check& check : checks) {
    const char* paint = check.state == State::kOk     ? "\x1b[32m"
                        : check.state == State::kWarn ? "\x1b[33m"
                                                      : "\x1b[31m";
    fmt::print("{}{:<4}{}  {:<13}  {}\n", colour ? paint : "", to_string(check.state),
               colour ? "\x1b[0m" : "", check.name, report::printable(check.value));
    if (!check.advice.empty()) fmt::print("{:21}{}\n", "", check.advice);
  }
}

void run_doctor(bool json, Context& context) {
  if (Status status = context.apply(); !status.ok()) return context.fail(status, kExitUsage);
  const std::vector<Check> checks = run_checks();
  const auto broken = std::find_if(checks.begin(), checks.end(),
                                   [](const Check& c) { return c.state == State::kFail; });
  json ? print_json(checks, broken == checks.end()) : print_text(checks, context.color_for(stdout));
  if (broken != checks.end()) {
    context.fail(not_found(fmt::format("doctor: {} is missing ({})", broken->name, broken->advice)),
                 kExitEnvironment);
  }
}

}  // namespace

void add_doctor(CLI::App& app, Context& context) {
  auto json = std::make_shared<bool>(false);
  CLI::App* verb =
      app.add_subcommand("doctor", "Check whether this machine has everything that mien needs");
  verb->add_flag("--json", *json, "Print one JSON object instead of lines");
  verb->callback([json, &context] { run_doctor(*json, context); });
}

}  // namespace mien::cli
