#pragma once

#include <string_view>
#include <vector>

#include "mien/core/json.h"
#include "mien/core/limits.h"
#include "mien/engine/bundle.h"
#include "mien/text/labels.h"

namespace mien::engine {

Json label_to_json(const text::Label& label);
/// Errors: kCorrupt on another shape, on empty or repeated names; kResourceLimit.
Result<std::vector<text::Label>> labels_from_json(const Json& list, std::string_view subject,
                                                  const Limits& limits);

/// The texts of a label in the order in which they are encoded: its own, then those of its parts.
void append_texts(const text::Label& label, std::vector<std::string>& out);

Json learned_to_json(const std::vector<LearnedText>& learned);
/// `expected`: texts of all labels. Errors: kCorrupt on another shape or number; kResourceLimit.
Result<std::vector<LearnedText>> learned_from_json(const Json& list, std::size_t expected,
                                                   std::string_view subject, const Limits& limits);

}  // namespace mien::engine
