#include "mien/face/face.h"

namespace mien::face {

std::string_view to_string(Source source) {
  switch (source) {
    case Source::kDetected: return "detected";
    case Source::kWhole: return "whole";
    case Source::kBoxes: return "boxes";
  }
  return "detected";
}

}  // namespace mien::face
