#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mien/core/status.h"
#include "mien/core/wall_time.h"
#include "mien/image/image.h"
#include "mien/pipeline/recognizer.h"
#include "mien/pipeline/segments.h"

namespace mien::report {

using pipeline::LabelSegments;
using pipeline::Segment;
using pipeline::SegmentTrack;

class LabelColours;
class ProbabilityCurves;
struct Colour;

/// What a page shows.
struct PredictionPageOptions {
  bool images = false;  ///< put thumbnails of pictures and faces into the page
  int top = 3;          ///< number of labels to show per face
};

/// One self-contained HTML page about a run of `predict`: per clip a timeline of the labels of
/// every face, per picture its faces in numbered boxes, an overview, a table of all inputs, and the
/// failures. A label has the same colour everywhere. The page has no script and loads nothing;
/// everything from outside is escaped. Memory grows with the number of inputs and segments.
/// Threads: not thread-safe.
class PredictionPage {
 public:
  PredictionPage(std::vector<std::string> labels, const PredictionPageOptions& options);
  ~PredictionPage();

  /// Adds a picture. `image`: may be nullptr; used only with PredictionPageOptions::images.
  /// Errors: those of encode_jpeg.
  Status picture(const pipeline::FrameResult& picture, const image::Image* image);
  /// Adds an analysed frame of a clip, in order. `image` and Errors: as for picture().
  Status clip_frame(const pipeline::FrameResult& frame, const image::Image* image);
  /// Ends the clip. Precondition: `segments` are finished.
  void clip(const pipeline::ClipResult& clip, const LabelSegments& segments);
  /// Adds a failure; frames of an unfinished clip are dropped.
  void failed(std::string_view input, const Status& status);

  /// The page. `facts`: names and values for its head, for example ("bundle", "compact").
  std::string html(const std::vector<std::pair<std::string, std::string>>& facts,
                   std::string_view notice) const;

 private:
  struct Shot {
    double probability = 0;
    std::int64_t time_us = 0;
    std::string data;
  };

  // One input in the table of all.
  struct IndexRow {
    std::string input;
    std::string kind;
    std::size_t faces = 0;
    std::vector<std::pair<std::string, std::string>> answers = {};  // label, and how sure or long

    void add(std::string label, std::string told);
  };

  std::string lanes(const SegmentTrack& track, const LabelSegments& segments, double seconds,
                    const std::optional<WallTime>& clock) const;
  std::string shots(std::int64_t track, const LabelSegments& segments,
                    const std::optional<WallTime>& clock) const;
  std::string overview() const;
  std::string index() const;
  std::string start_section(std::string_view input, const std::string& facts);
  const Colour& colour_of(std::string_view label) const;
  static void add_longest(const SegmentTrack& track, const LabelSegments& segments, IndexRow& row);

  std::vector<std::string> labels_;
  std::unique_ptr<const LabelColours> colours_;
  PredictionPageOptions options_;
  std::unique_ptr<ProbabilityCurves> curves_;
  std::map<std::pair<std::int64_t, int>, Shot> shots_;  // best frame by track and label
  std::vector<std::string> sections_;
  std::vector<IndexRow> index_;
  std::vector<std::string> failures_;
  std::map<std::string, std::int64_t> in_pictures_;
  std::map<std::string, double> in_clips_;  // seconds
  std::int64_t pictures_ = 0;
  std::int64_t clips_ = 0;
};

}  // namespace mien::report
