#include "text/tiny_vocabulary.h"

namespace mien::text {
namespace {

#include "text/tiny_merges.inc"

}  // namespace

std::string_view tiny_merges_text() { return kTinyMerges; }

}  // namespace mien::text
