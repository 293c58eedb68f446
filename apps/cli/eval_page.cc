#include "cli/eval_page.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>

#include "cli/help.h"
#include "core/file.h"
#include "data/manifest_hash.h"
#include "data/store.h"
#include "engine/bundle_hash.h"
#include "mien/image/decode.h"
#include "report/descriptor_map.h"
#include "report/evaluation_page.h"
#include "report/protocol_pages.h"

namespace mien::cli {
namespace {

// The middle frame of a sample; empty if it cannot be read, which the run has reported already.
std::string image_of(const data::Manifest& manifest, const std::string& id) {
  const auto sample = std::find_if(manifest.samples.begin(), manifest.samples.end(),
                                   [&](const data::Sample& s) { return s.id == id; });
  if (sample == manifest.samples.end() || sample->frames.empty()) return {};
  const auto bytes = manifest.store->read(sample->frames[sample->frames.size() / 2]);
  if (!bytes.ok()) return {};
  const auto picture = image::decode(*bytes);
  if (!picture.ok()) return {};
  const auto data = report::page_image(*picture);
  return data.ok() ? *data : std::string();
}

}  // namespace

void add_eval_page_options(CLI::App& verb, EvalPageOptions& options) {
  begin_group(verb, "Output");
  verb.add_option("--report", options.file, "Write a self-contained HTML page")->type_name("FILE");
  verb.add_flag("--with-images", options.with_images,
                "Include thumbnails of the most confident mistakes in --report");
  verb.add_option("--mistakes", options.mistakes,
                  "Number of most confident mistakes to list in --report")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
}

Status check_page_options(const EvalPageOptions& options) {
  if (options.with_images && options.file.empty()) {
    return invalid_argument("--with-images: no page to add them to (expected --report OUT.html)");
  }
  // Report a page that cannot be written before the work, not after it.
  return options.file.empty() ? Status() : AtomicFile::check(options.file);
}

report::Facts eval_facts(const Context& context, const engine::Bundle& bundle,
                         const data::Manifest& manifest, const std::string& part,
                         const std::string& protocol, const std::string& left_out,
                         const DataNotes& notes) {
  report::Facts out = {{"command", context.command()},
                       {"bundle", bundle.info().name},
                       {"bundle hash", engine::bundle_hash(bundle.info())},
                       {"data", manifest.name + part},
                       {"data hash", data::manifest_hash(manifest)},
                       {"protocol", protocol},
                       {"left out", left_out}};
  notes.add_to(out);
  out.emplace_back("program", "mien " MIEN_VERSION);
  return out;
}

Status write_page(const std::string& file, const std::function<std::string()>& page) {
  return file.empty() ? Status() : write_file_atomically(file, page());
}

Status write_eval_page(const EvalPageOptions& options, const data::Manifest& manifest,
                       const eval::RunResult& result, const eval::ClosedSetReport& report,
                       const std::optional<eval::GroupReport>& groups, report::Facts facts) {
  report::EvaluationPage page{
      .report = &report,
      .predictions = result.predictions,
      .facts = std::move(facts),
      .more = report::descriptor_map_html(result.descriptors, result.classes),
      .notice = responsible_use()};
  if (groups) page.more = report::groups_html(*groups) + page.more;
  for (const std::size_t i :
       report::surest_mistakes(result.predictions, static_cast<std::size_t>(options.mistakes))) {
    const eval::Prediction& row = result.predictions[i];
    page.mistakes.push_back({.id = row.id,
                             .truth = result.classes[row.truth],
                             .said = result.classes[row.top()],
                             .probability = row.probabilities[row.top()]});
    if (options.with_images) page.mistakes.back().image = image_of(manifest, row.id);
  }
  return write_file_atomically(options.file, report::evaluation_page(page));
}

}  // namespace mien::cli
