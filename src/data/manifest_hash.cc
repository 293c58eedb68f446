#include "data/manifest_hash.h"

#include <span>

#include "core/sha256.h"

namespace mien::data {

std::string manifest_hash(const Manifest& manifest) {
  std::string text;
  const auto add =
      [&text](const std::string& part) {  // lengths in front, so no two lists are alike
        text += std::to_string(part.size()) + ':' + part;
      };
  for (const std::string& name : manifest.classes) add(name);
  for (const Sample& sample : manifest.samples) {
    text += '\n';
    add(sample.id);
    for (const int label : sample.labels) text += '=' + std::to_string(label);
    for (const std::string& frame : sample.frames) add(frame);
  }
  return sha256_hex(std::as_bytes(std::span(text)));
}

}  // namespace mien::data
