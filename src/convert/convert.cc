#include "mien/convert/convert.h"

#include "convert/build.h"
#include "convert/destination.h"
#include "convert/plan.h"
#include "convert/recognise.h"
#include "convert/source.h"
#include "convert/trial.h"

namespace mien::convert {
namespace {

namespace fs = std::filesystem;

constexpr std::pair<TextPosition, std::string_view> kPositions[] = {
    {TextPosition::kEnd, "end"},
    {TextPosition::kFront, "front"},
    {TextPosition::kMiddle, "middle"}};

// A problem with a bundle that was just written is our fault or the disk's.
Status not_as_written(const Status& status) {
  return status.code() == StatusCode::kIo ? status : internal_error(status.message());
}

// Reads the bundle back and compares its answers with those before writing.
Result<std::shared_ptr<const engine::Bundle>> read_back(const fs::path& path, const Plan& plan,
                                                        const Trial& before) {
  auto bundle = engine::Bundle::load(path);
  if (!bundle.ok()) return not_as_written(bundle.status());
  const auto after = try_bundle(**bundle);
  if (!after.ok()) return not_as_written(after.status());
  MIEN_RETURN_IF_ERROR(check_same(before, *after, path.string()));
  if ((*bundle)->has_text_tower()) {
    const auto tokenizer = (*bundle)->tokenizer();
    if (!tokenizer.ok()) return not_as_written(tokenizer.status());
    if ((*tokenizer)->vocabulary_size() != plan.tokenizer->vocabulary_size()) {
      return internal_error(path.string() + ": tokenizer differs from the one that was written");
    }
  }
  return std::move(bundle).value();
}

ConversionReport make_report(Plan plan, std::shared_ptr<const engine::Bundle> bundle) {
  return {.source = plan.model.source.weights,
          .config = std::move(plan.config),
          .format = std::string(plan.model.source.checkpoint->format()),
          .naming = std::move(plan.naming),
          .left_out = std::move(plan.left_out),
          .skipped = std::move(plan.model.source.skipped),
          .notes = std::move(plan.notes),
          .bundle = std::move(bundle)};
}

}  // namespace

std::string_view to_string(TextPosition position) {
  for (const auto& [value, name] : kPositions) {
    if (value == position) return name;
  }
  return "";
}

std::optional<TextPosition> find_text_position(std::string_view name) {
  for (const auto& [value, known] : kPositions) {
    if (known == name) return value;
  }
  return std::nullopt;
}

Result<ConversionReport> to_bundle(const fs::path& source, const fs::path& destination,
                                   const Options& options) {
  // Check the destination before reading anything.
  MIEN_RETURN_IF_ERROR(check_destination(destination, options.overwrite));
  MIEN_RETURN_IF_ERROR(check_reads(source, destination, options));

  // Recognise the source and plan the bundle from names, sizes and settings only.
  MIEN_ASSIGN_OR_RETURN(const Source opened, open_source(source, options.limits));
  MIEN_RETURN_IF_ERROR(check_outside(opened, destination));
  MIEN_ASSIGN_OR_RETURN(const Recognised kind, recognise(opened));
  MIEN_ASSIGN_OR_RETURN(Plan plan, make_plan(opened, kind, options));

  // Read the weights. Every part runs once before anything is written.
  MIEN_ASSIGN_OR_RETURN(const auto tensors, read_tensors(plan, options));
  auto trial = try_weights(*tensors, plan.info.architecture);
  if (!trial.ok()) return trial.status().with_prefix(opened.weights.string());
  MIEN_ASSIGN_OR_RETURN(engine::BundleContent content, make_content(plan, *tensors, options));
  if (options.cancel != nullptr && options.cancel->load()) {
    return cancelled("conversion: cancelled; nothing was written");
  }

  MIEN_RETURN_IF_ERROR(engine::write_bundle(destination, std::move(content), options.overwrite));
  MIEN_ASSIGN_OR_RETURN(auto bundle, read_back(destination, plan, *trial));
  return make_report(std::move(plan), std::move(bundle));
}

}  // namespace mien::convert
