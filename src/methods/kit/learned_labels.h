#pragma once

#include <string>
#include <vector>

#include "mien/engine/bundle.h"
#include "mien/text/labels.h"

namespace mien::methods {

/// Labels whose texts list the words closest to the learned ones: `each` texts per class, in order.
/// Without learned texts the labels have none.
std::vector<text::Label> learned_labels(const std::vector<std::string>& classes,
                                        const std::vector<engine::LearnedText>& learned,
                                        std::size_t each);

/// Labels whose written texts have learned tokens beside them, one text per class.
std::vector<text::Label> context_labels(const std::vector<std::string>& classes,
                                        const std::vector<std::string>& texts,
                                        const std::vector<engine::LearnedText>& learned);

}  // namespace mien::methods
