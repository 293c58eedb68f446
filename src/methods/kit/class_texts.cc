#include "methods/kit/class_texts.h"

#include <fmt/format.h>

#include <algorithm>

#include "mien/text/prompts.h"

namespace mien::methods {

Result<text::LabelSet> class_texts(std::string file, const std::filesystem::path& folder,
                                   const std::vector<std::string>& classes) {
  if (std::filesystem::exists(folder / file)) file = (folder / file).string();
  MIEN_ASSIGN_OR_RETURN(const text::LabelSet set, text::load_labels(file));
  text::LabelSet out{.name = set.name, .labels = {}};
  for (const std::string& name : classes) {
    const std::string_view meaning = text::builtin_label_of(name);
    const auto found =
        std::find_if(set.labels.begin(), set.labels.end(), [&](const text::Label& label) {
          return label.name == name ||
                 (!meaning.empty() && text::builtin_label_of(label.name) == meaning);
        });
    if (found == set.labels.end()) {
      return invalid_argument(fmt::format("{}: has no text for class '{}'", file, name));
    }
    out.labels.push_back(*found);
    out.labels.back().name = name;
  }
  return out;
}

}  // namespace mien::methods
