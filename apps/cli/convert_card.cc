#include "cli/convert_card.h"

#include <fmt/format.h>

#include "cli/cli.h"
#include "cli/describe.h"
#include "mien/report/text.h"

namespace mien::cli {
namespace {

constexpr std::size_t kListed = 12;

// Text of a file or an option inside a line of Markdown.
std::string code(std::string_view text) {
  std::string out = report::printable(text, 400);
  for (char& c : out) {
    if (c == '`') c = '\'';
  }
  return "`" + out + "`";
}

std::string source_part(const CardFacts& facts) {
  std::string out =
      fmt::format("## Where it comes from\n\nConverted by mien {} from:\n\n", MIEN_VERSION);
  for (const auto& [name, hash] : facts.files) {
    out += fmt::format("- {}, sha256 {}\n", code(name), code(hash));
  }
  for (const auto& [name, hash] : facts.text_files) {
    out += fmt::format("- {}, sha256 {} (the text tower)\n", code(name), code(hash));
  }
  out += fmt::format("\nFormat: {}. Names of the tensors: {}. Types in this bundle: {}.\n",
                     facts.format, facts.naming, facts.dtypes);
  if (!facts.left_out.empty()) {
    out +=
        fmt::format("\nNot part of the towers and left out: {} tensors (", facts.left_out.size());
    for (std::size_t i = 0; i < facts.left_out.size() && i < kListed; ++i) {
      out += (i == 0 ? "" : ", ") + code(facts.left_out[i]);
    }
    out += facts.left_out.size() > kListed ? ", ...).\n" : ").\n";
  }
  for (const std::string& note : facts.notes) out += fmt::format("\nNote: {}.\n", note);
  return out;
}

std::string model_part(const engine::BundleInfo& info) {
  const Parameters parameters = count_parameters(info.architecture);
  std::string out = "## What it is\n\n";
  out += info.method == "image"
             ? "An image tower: a picture becomes one vector.\n\n"
             : "A CLIP model: a picture and a text each become one vector, and labels are told by "
               "the cosine between them.\n\n";
  out += fmt::format("- Image tower: {}; {} parameters\n", tower_text(info.architecture.image),
                     count_text(parameters.image));
  if (info.architecture.text) {
    out += fmt::format("- Text tower: {}; {} parameters\n", tower_text(*info.architecture.text),
                       count_text(parameters.text));
  } else {
    out += info.labels.empty() ? "- No text tower and no labels: it gives embeddings only\n"
                               : "- No text tower: it answers with its own labels only\n";
  }
  if (info.architecture.temporal) {
    out += fmt::format("- Temporal model: {}; {} parameters. It reads {} frames, every {}th\n",
                       tower_text(*info.architecture.temporal), count_text(parameters.temporal),
                       info.sampling.frames, info.sampling.stride);
  }
  out += fmt::format("- Joint width {}, factor of the cosines {:.4f}\n", info.architecture.embed,
                     info.logit_scale);
  out += fmt::format("- Labels: {}\n", report::printable(labels_text(info.labels)));
  return out;
}

}  // namespace

std::string make_card(const engine::BundleInfo& info, const CardFacts& facts) {
  std::string out = fmt::format("# {}\n\n", report::printable(info.name, 200));
  out += model_part(info) + "\n" + source_part(facts);
  out +=
      fmt::format("\n## Licence\n\n{}\n",
                  info.licence.empty()
                      ? "Unknown. The terms of the original weights hold; look them up before use."
                      : report::printable(info.licence, 2000));
  out +=
      "\n## What is not known\n\nHow well it reads expressions was not measured here, neither in "
      "all nor per class or group of people. Its probabilities are not calibrated, and no "
      "threshold for *unknown* is set. The training data is the one of the original weights.\n";
  out += fmt::format("\n## Responsible use\n\n{}\n", responsible_use());
  return out;
}

}  // namespace mien::cli
