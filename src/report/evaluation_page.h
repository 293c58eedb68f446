#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mien/core/status.h"
#include "mien/eval/closed_set.h"
#include "mien/image/image.h"

namespace mien::report {

/// A wrong answer on the page.
struct Mistake {
  std::string id;
  std::string truth;
  std::string said;
  double probability = 0;  ///< of the answer
  std::string image = {};  ///< from page_image(), or empty
};

/// The content of a page about a closed-set evaluation. Borrows its members.
struct EvaluationPage {
  const eval::ClosedSetReport* report = nullptr;
  std::span<const eval::Prediction> predictions = {};
  std::vector<std::pair<std::string, std::string>> facts = {};  ///< ("bundle", "compact"), ...
  std::vector<Mistake> mistakes = {};
  std::string more = {};  ///< further parts, HTML, such as descriptor_map_html()
  std::string_view notice = {};
};

/// One self-contained HTML page (no script, no external resources): figures with intervals,
/// per-class table, confusion matrix, reliability and one-vs-rest ROC curves as SVG, the most
/// confident mistakes. Everything from outside is escaped. Precondition: `report` is of
/// `predictions`.
std::string evaluation_page(const EvaluationPage& page);

/// The at most `count` most confident mistakes, as indices into `predictions`.
std::vector<std::size_t> surest_mistakes(std::span<const eval::Prediction> predictions,
                                         std::size_t count);

/// A picture for Mistake::image, no side longer than 160 pixels. Errors: those of encode_jpeg.
Result<std::string> page_image(image::ImageView picture);

}  // namespace mien::report
