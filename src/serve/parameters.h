#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/json.h"
#include "mien/engine/label_scorer.h"
#include "mien/face/finder.h"

namespace mien::serve {

/// End points that take parameters; a parameter names those it belongs to.
enum EndPoint : unsigned {
  kPredict = 1,
  kEmbed = 2,
  kDetect = 4,
  kVideos = 8,
  kLive = 16,
  kLabels = 32,
  kResult = 64,
};

/// What a request asks for.
struct Ask {
  std::string bundle;                 ///< empty: the first
  std::optional<std::string> labels;  ///< words; none: those of the server
  engine::UnknownChoice unknown;
  int top = 0;  ///< 0: all labels
  bool explain = false;
  bool embedding = false;
  int views = 0;  ///< 0: that of the server
  std::optional<face::Mode> face;
  std::vector<image::Box> boxes;
  bool single = false;
  float min_face = 0;
  double smooth = 0.5;
  int every = 1;
  double max_fps = 0;
  std::string name;
  std::string format = "json";
};

/// A parameter of the interface: one row of the documents, and how it is read.
struct Parameter {
  enum class Type { kString, kInteger, kNumber, kBoolean, kWords, kBoxes };
  std::string_view name;
  unsigned of;  ///< EndPoint, combined
  Type type;
  std::string_view values;  ///< for the document
  std::string_view meaning;
  double least = 0;
  double most = 0;
  std::vector<std::string_view> choices = {};
};

/// All parameters, in the order of the document.
std::span<const Parameter> parameters();
/// The names of the end points in `of`: "predict, live".
std::string end_point_names(unsigned of);

/// Reads the parameters of one request, each at most once.
class AskReader {
 public:
  explicit AskReader(EndPoint of, Ask start = {}) : of_(of), ask_(std::move(start)) {}
  /// Errors: kInvalidArgument for an unknown or repeated parameter, or a value that is not allowed;
  /// kResourceLimit for long labels or many boxes.
  Status set(std::string_view name, std::string_view value);
  /// The same for a member of a JSON object. Errors: as above.
  Status set_json(std::string_view name, const Json& value);
  const Ask& ask() const { return ask_; }
  bool was_set(std::string_view name) const { return seen_.contains(std::string(name)); }

 private:
  EndPoint of_;
  Ask ask_;
  std::set<std::string> seen_;
};

/// Limits of what a request may ask for.
inline constexpr std::size_t kMostLabelBytes = 8192;
inline constexpr std::size_t kMostLabels = 200;
inline constexpr std::size_t kMostBytesPerLabel = 200;
inline constexpr std::size_t kMostBoxes = 100;
inline constexpr std::size_t kMostNameBytes = 200;

/// The labels that `words` list; never a file. Errors: those of text::parse_labels; kResourceLimit
/// beyond the limits above.
Result<text::LabelSet> read_labels(std::string_view words);

}  // namespace mien::serve
