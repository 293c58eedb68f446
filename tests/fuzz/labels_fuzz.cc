#include <cstdint>
#include <cstdlib>
#include <set>
#include <string_view>

#include "mien/text/labels.h"

namespace {

void check(const mien::Result<mien::text::LabelSet>& set) {
  if (!set.ok()) {
    if (set.status().message().empty()) std::abort();
    return;
  }
  if (set->labels.empty()) std::abort();
  std::set<std::string_view> names;
  for (const mien::text::Label& label : set->labels) {
    if (label.name.empty() || !names.insert(label.name).second) std::abort();
    if (label.texts.empty() == label.parts.empty()) std::abort();
    for (const mien::text::Label& part : label.parts) {
      if (part.name.empty() || part.texts.empty() || !part.parts.empty()) std::abort();
    }
  }
}

}  // namespace

// The first byte selects the format: YAML, any label file, or the words of --labels.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 'Y') {
    check(mien::text::parse_labels_yaml(rest, "fuzz"));
  } else if (data[0] == 'F') {
    check(mien::text::parse_label_file(rest, "fuzz"));
  } else if (rest.find('/') == std::string_view::npos) {
    check(mien::text::load_labels(rest));  // without slashes it cannot name a device
  }
  return 0;
}
