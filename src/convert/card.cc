#include "convert/card.h"

#include <fmt/format.h>

#include "core/utf8.h"
#include "engine/describe.h"

namespace mien::convert {
namespace {

constexpr std::size_t kListed = 12;

// Text of a file or an option inside a line of Markdown.
std::string code(std::string_view text) {
  std::string out = escape_controls(text, 400);
  for (char& c : out) {
    if (c == '`') c = '\'';
  }
  return "`" + out + "`";
}

std::string files_list(const FileHashes& files, std::string_view remark) {
  std::string out;
  for (const auto& [name, hash] : files) {
    out += fmt::format("- {}, sha256 {}{}\n", code(name), code(hash), remark);
  }
  return out;
}

std::string source_part(const Plan& plan, const Origin& origin) {
  std::string out =
      fmt::format("## Where it comes from\n\nConverted by mien {} from:\n\n", MIEN_VERSION);
  out += files_list(origin.files, "") + files_list(origin.text_files, " (the text tower)");
  out += fmt::format("\nFormat: {}. Names of the tensors: {}. Types in this bundle: {}.\n",
                     plan.model.source.checkpoint->format(), plan.naming, origin.dtypes);
  const std::vector<std::string>& left_out = plan.left_out;
  if (!left_out.empty()) {
    out += fmt::format("\nLeft out, because not part of the towers: {} tensors (", left_out.size());
    for (std::size_t i = 0; i < left_out.size() && i < kListed; ++i) {
      out += (i == 0 ? "" : ", ") + code(left_out[i]);
    }
    out += left_out.size() > kListed ? ", ...).\n" : ").\n";
  }
  for (const std::string& note : plan.notes) out += fmt::format("\nNote: {}.\n", note);
  return out;
}

// "16 frames", "32 frames, every 4th".
std::string frames_text(const video::SamplingSpec& sampling) {
  const int stride = sampling.stride;
  const char* ending = stride == 2 ? "nd" : stride == 3 ? "rd" : "th";
  return fmt::format("{} frames", sampling.frames) +
         (stride > 1 ? fmt::format(", every {}{}", stride, ending) : "");
}

std::string model_part(const engine::BundleInfo& info) {
  const engine::Parameters parameters = engine::count_parameters(info.architecture);
  std::string out = "## What it is\n\n";
  out += info.method == "image"
             ? "An image tower: a picture becomes one vector.\n\n"
             : "A CLIP model: a picture and a text each become one vector, and labels are scored "
               "by the cosine between them.\n\n";
  out +=
      fmt::format("- Image tower: {}; {} parameters\n", engine::tower_text(info.architecture.image),
                  engine::count_text(parameters.image));
  if (info.architecture.text) {
    out += fmt::format("- Text tower: {}; {} parameters\n",
                       engine::tower_text(*info.architecture.text),
                       engine::count_text(parameters.text));
  } else {
    out += info.labels.empty() ? "- No text tower and no labels: embeddings only\n"
                               : "- No text tower: own labels only\n";
  }
  if (info.architecture.temporal) {
    out += fmt::format("- Temporal model: {}; {} parameters. It reads {}\n",
                       engine::tower_text(*info.architecture.temporal),
                       engine::count_text(parameters.temporal), frames_text(info.sampling));
  }
  out += fmt::format("- Joint width {}, factor of the cosines {:.4f}\n", info.architecture.embed,
                     info.logit_scale);
  out += fmt::format("- Labels: {}\n", escape_controls(engine::labels_text(info.labels)));
  return out;
}

// Measurements of a source bundle are in its own card.
std::string not_known_part(const Plan& plan) {
  std::string out = "\n## What is not known\n\n";
  if (!plan.source_card.empty()) {
    return out +
           "The measurements in the card of the source, below, were not repeated after the "
           "conversion.\n";
  }
  return out +
         "How well it reads expressions was not measured here, neither in all nor per class or "
         "group of people. Its probabilities are not calibrated, and no threshold for *unknown* is "
         "set. The training data is the one of the original weights.\n";
}

}  // namespace

std::string make_card(const Plan& plan, const engine::BundleInfo& info, const Origin& origin,
                      const std::string& notice) {
  std::string out = fmt::format("# {}\n\n", escape_controls(info.name, 200));
  out += model_part(info) + "\n" + source_part(plan, origin);
  out +=
      fmt::format("\n## Licence\n\n{}\n",
                  info.licence.empty()
                      ? "Unknown. The terms of the original weights apply; look them up before use."
                      : escape_controls(info.licence, 2000));
  out += not_known_part(plan);
  if (!notice.empty()) out += fmt::format("\n## Responsible use\n\n{}\n", notice);
  if (!plan.source_card.empty()) {
    out += "\n---\n\nThe card of the bundle that this one was made from:\n\n" + plan.source_card;
  }
  return out;
}

}  // namespace mien::convert
