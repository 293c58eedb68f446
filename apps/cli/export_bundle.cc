// `mien export --precision TYPE BUNDLE OUT`: the same bundle with weights of another type.
#include "cli/export_bundle.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/options.h"
#include "cli/run_files.h"
#include "engine/stored_precision.h"
#include "mien/core/rng.h"
#include "mien/engine/bundle.h"
#include "mien/image/decode.h"
#include "mien/image/preprocess.h"

namespace mien::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostPictures = 2000;
constexpr std::size_t kMadeUp = 16;
constexpr std::size_t kListedSkipped = 5;

// A file that is named must be a picture; in a folder, other files are skipped and reported.
struct PictureFile {
  fs::path path;
  bool named = false;

  bool operator<(const PictureFile& other) const { return path < other.path; }
};

Result<std::vector<PictureFile>> picture_files(const std::vector<std::string>& given) {
  std::vector<PictureFile> out;
  for (const std::string& name : given) {
    std::error_code error;
    if (!fs::is_directory(name, error)) {
      out.push_back({name, true});
      continue;
    }
    fs::directory_iterator it(name, error);
    for (; !error && it != fs::directory_iterator(); it.increment(error)) {
      std::error_code of_entry;  // a dangling link is not an error of the folder
      const bool hidden = it->path().filename().string().starts_with('.');
      if (!hidden && it->is_regular_file(of_entry)) out.push_back({it->path(), false});
    }
    if (error) return io_error(fmt::format("{}: cannot be listed ({})", name, error.message()));
  }
  std::sort(out.begin(), out.end());
  return out;
}

// Preprocessed pictures one after another: the given ones, or smooth made-up ones.
Result<std::vector<float>> make_pixels(const engine::Bundle& bundle, const ExportFlags& flags,
                                       const Context& context) {
  const image::PreprocessSpec& spec = bundle.info().preprocess;
  std::vector<float> out;
  const auto add = [&](image::ImageView picture) -> Status {
    const auto side = static_cast<std::size_t>(spec.output_size());
    out.resize(out.size() + 3 * side * side);
    return image::preprocess(picture, spec, std::span(out).last(3 * side * side));
  };
  MIEN_ASSIGN_OR_RETURN(const auto files, picture_files(flags.check));
  std::size_t read = 0;
  std::vector<std::string> skipped;
  for (const PictureFile& file : files) {
    if (read == kMostPictures) break;
    const auto picture = image::load(file.path);
    if (!picture.ok()) {
      if (file.named) return picture.status();
      skipped.push_back(file.path.filename().string());
      continue;
    }
    if (const Status status = add(picture->view()); !status.ok()) {
      return status.with_prefix(file.path.string());
    }
    ++read;
  }
  if (!skipped.empty()) {
    context.report(fmt::format("--check: skipped {} {} not a picture: {}{}", skipped.size(),
                               skipped.size() == 1 ? "file that is" : "files that are",
                               fmt::join(skipped.begin(),
                                         skipped.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                               skipped.size(), kListedSkipped)),
                                         ", "),
                               skipped.size() > kListedSkipped ? ", ..." : ""));
  }
  if (!flags.check.empty()) {
    if (read == 0) {
      return invalid_argument("--check: no pictures found (expected pictures of faces)");
    }
    return out;
  }
  Rng rng(1);
  for (std::size_t n = 0; n < kMadeUp; ++n) {
    constexpr int kSide = 96;
    image::Image picture(kSide, kSide);
    double wave[9];
    for (double& part : wave) part = 0.2 * rng.normal();
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        for (int c = 0; c < 3; ++c) {
          const double value =
              std::sin(wave[3 * c] * x + wave[3 * c + 1] * y + 9 * wave[3 * c + 2]);
          picture.row(y)[3 * x + c] = static_cast<std::uint8_t>(127.5 + 100 * value);
        }
      }
    }
    MIEN_RETURN_IF_ERROR(add(picture.view()));
  }
  return out;
}

Result<std::shared_ptr<const engine::Bundle>> load(const fs::path& path,
                                                   engine::PrecisionChoice precision) {
  return engine::Bundle::load(path, {.precision = precision});
}

// A note on the agreement with fp32, for the provenance of the new bundle.
Json measured(const engine::Agreement& agreement, const ExportFlags& flags) {
  Json out = Json::object();
  out.set("precision", flags.precision);
  out.set("pictures", agreement.pictures);
  out.set("made_up", flags.check.empty());
  out.set("least_cosine", agreement.least_cosine);
  out.set("same_first", agreement.same_first);
  return out;
}

Status write(const engine::Bundle& source, const engine::StoredTensors& stored, const Json& note,
             const ExportFlags& flags) {
  engine::BundleContent content;
  content.info = source.info();
  if (!note.is_null()) content.info.provenance.set("stored", note);
  content.tensors = stored.tensors;
  MIEN_ASSIGN_OR_RETURN(content.card, source.card());
  if (source.has_text_tower()) {
    MIEN_ASSIGN_OR_RETURN(content.tokenizer, source.tokenizer_text());
  }
  return engine::write_bundle(flags.out, std::move(content), flags.overwrite);
}

Status run(const ExportFlags& flags, Context& context) {
  MIEN_RETURN_IF_ERROR(context.apply());
  const auto choice = engine::find_precision(flags.precision);
  if (!choice || *choice == engine::PrecisionChoice::kAuto) {
    return invalid_argument(fmt::format(
        "--precision: unknown type '{}' (expected fp32, bf16 or int8)", flags.precision));
  }
  MIEN_ASSIGN_OR_RETURN(const fs::path path, find_model(flags.source));
  MIEN_RETURN_IF_ERROR(check_bundle_output({path.string()}, flags.out, flags.overwrite));
  MIEN_ASSIGN_OR_RETURN(const auto source, load(path, engine::PrecisionChoice::kF32));
  MIEN_ASSIGN_OR_RETURN(const auto rounded, load(path, *choice));
  // Without AVX-512 bf16 runs as fp32, so the cost of rounding cannot be measured.
  const bool unmeasured =
      *choice == engine::PrecisionChoice::kBf16 && rounded->precision() == kernels::Precision::kF32;
  const kernels::Precision precision =
      unmeasured ? kernels::Precision::kBf16 : rounded->precision();
  // Report a bundle that cannot be stored this way before measuring anything.
  MIEN_ASSIGN_OR_RETURN(const auto stored, engine::store_as(source->weights(), precision));
  if (stored.changed == 0) {
    return invalid_argument(fmt::format("{}: already stored in {}", flags.source, flags.precision));
  }
  if (unmeasured && !flags.force) {
    return unsupported(fmt::format(
        "{}: the cost of bf16 cannot be measured on this CPU (expected AVX-512; --force writes it "
        "unmeasured)",
        flags.source));
  }
  if (unmeasured || precision == kernels::Precision::kF32) {
    return write(*source, stored, Json(), flags);
  }
  // Rounding at load gives the same results as the written bundle will.
  MIEN_ASSIGN_OR_RETURN(const auto pixels, make_pixels(*source, flags, context));
  MIEN_ASSIGN_OR_RETURN(const auto agreement, engine::compare_precision(*source, *rounded, pixels));
  context.report(
      fmt::format("{} on {} {}pictures: least cosine to fp32 {:.5f}, same best label {:.1f} %",
                  flags.precision, agreement.pictures, flags.check.empty() ? "made-up " : "",
                  agreement.least_cosine, 100 * agreement.same_first));
  if (!engine::keeps_rule(agreement, precision) && !flags.force) {
    return unsupported(fmt::format(
        "{}: too far from fp32 (expected a cosine of at least {} and 99 % same labels; --force "
        "writes it anyway)",
        flags.source, precision == kernels::Precision::kInt8 ? "0.99" : "0.9995"));
  }
  return write(*source, stored, measured(agreement, flags), flags);
}

ExitCode code_of(const Status& status) {
  return status.code() == StatusCode::kInvalidArgument ? kExitUsage : kExitEnvironment;
}

}  // namespace

void export_bundle(Context& context, const ExportFlags& flags) {
  const Status status = run(flags, context);
  if (!status.ok()) context.fail(status, code_of(status));
}

}  // namespace mien::cli
