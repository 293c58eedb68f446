#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "mien/pipeline/baseline.h"
#include "mien/pipeline/result.h"

namespace mien::pipeline {

/// A period in which one label led on a face.
struct Segment {
  static constexpr int kUnknown = -2;  ///< present, but no label fits

  std::int64_t from_us = 0;
  std::int64_t to_us = 0;
  int label = kUnknown;           ///< index in LabelSegments::labels(), or kUnknown
  double probability = 0;         ///< mean of the label's probability over its time; 0 when unknown
  std::vector<float> means = {};  ///< with a baseline: of every label
};

/// The segments of one face over a clip.
struct SegmentTrack {
  std::int64_t id = 0;
  std::vector<Segment> segments = {};  ///< by time, without overlap; gaps while the face is absent
  /// Seconds of each label in the order of LabelSegments::labels(), then of unknown.
  std::vector<double> seconds = {};
  std::int64_t left_out = 0;  ///< segments beyond kMaxSegments; their time is in `seconds`
  /// With a baseline: its probabilities (empty when the face was absent), its length, and the means
  /// over the whole track.
  std::vector<float> baseline = {};
  double baseline_seconds = 0;
  std::vector<double> means = {};
  double weight = 0;  ///< total weight of `means`

  /// How much more probable the label of a segment was than in the baseline; none if not known.
  std::optional<double> change_of(const Segment& segment) const;
};

/// How long analysed frames last: until the next one. A pause of more than a second and more than
/// four usual steps is a gap in the clip; the frame before it lasts one usual step.
class FrameSteps {
 public:
  /// Adds the next frame; returns how long the one before it lasted (0 for the first).
  /// Precondition: times do not decrease.
  std::int64_t next(std::int64_t now_us);
  /// The median of the last steps; 40 ms when there are none.
  std::int64_t usual() const;

 private:
  std::array<std::int64_t, 9> steps_{};
  std::size_t count_ = 0;
  bool begun_ = false;
  std::int64_t last_us_ = 0;
};

/// Turns the answers of frames into answers over time; every output uses these segments, so that
/// all agree.
///
/// Probabilities are averaged, weighted by time, over a window around each analysed frame (unknown
/// if more than half of it is). A label takes over when from then on it leads for a whole window,
/// by at least a tenth over the previous one. A face that returns within a window counts as present
/// in between; a longer absence ends its segment. The answer of a frame is settled one and a half
/// windows later. Memory: a few windows per face, and the segments, up to kMaxSegments.
/// Threads: not thread-safe.
class LabelSegments {
 public:
  static constexpr std::size_t kMaxSegments = 200'000;  ///< of all faces; the rest is only counted

  /// What the caller needs.
  enum class Use {
    kSegments,  ///< only segments; take() is not called
    kAnswers,   ///< take() is called for every frame
    kLive,      ///< as kAnswers, but at once: the window ends at the frame, and a label
                ///< stays for one window
  };

  /// `labels`: the label set in the user's order. `smooth_seconds` <= 0: each frame by itself.
  explicit LabelSegments(std::vector<std::string> labels = {}, double smooth_seconds = 0.5,
                         Use use = Use::kSegments);

  /// Answers and segments will have changes from this baseline. Call it before add().
  void set_baseline(const Baseline& baseline) { baseline_ = baseline; }
  /// True when the baseline of all tracks is known: faces from take() then have changes.
  bool baseline_settled();
  bool has_baseline() const { return baseline_.enabled(); }

  /// Adds the next analysed frame of the clip; faces without a track are left out.
  void add(const FrameResult& frame);
  /// Ends the clip; the last frame lasts one usual step. Call it once.
  void finish();

  /// Puts the settled answers into the faces of `frame`, the oldest frame that was added and not
  /// taken yet. False: its answers are not settled. Call it with the frames in order.
  bool take(FrameResult& frame);
  /// Settles the oldest frame with what is known now, when no more frames can be kept.
  void settle_oldest();

  /// The labels given at construction.
  const std::vector<std::string>& labels() const { return labels_; }
  /// The label's name, or "unknown".
  const std::string& name(int label) const;
  /// All tracks, by id. Complete after finish().
  std::vector<SegmentTrack> tracks() const;
  /// Start of the first and end of the last analysed frame.
  std::int64_t begin_us() const { return begin_us_; }
  std::int64_t end_us() const { return end_us_; }

 private:
  struct Entry {  // a face in a frame
    std::int64_t time_us = 0;
    std::int64_t held_us = 0;  // how long the frame lasted; known with the next one
    std::int64_t frame = 0;
    std::size_t face = 0;
    bool unknown = false;
    bool continues = false;  // the run has entries before it
    std::vector<float> probabilities = {};
    std::vector<float> smooth = {};
    double unknown_share = 0;  // of the window
    int leader = Segment::kUnknown;
    int label = Segment::kUnknown;  // when decided
  };
  struct Run {  // an unbroken appearance
    std::deque<Entry> entries;
    std::size_t smoothed = 0, decided = 0, booked = 0;  // how many of the entries are
    bool begun = false;                                 // a label has been decided
    int label = Segment::kUnknown;
    std::int64_t since_us = 0;
    // The segment that is being written.
    bool writing = false, left_out = false;
    int written = Segment::kUnknown;
    std::int64_t cursor_us = 0;
    double weight = 0, means_weight = 0;
  };
  struct Pending {  // a frame that was not taken
    std::size_t open = 0;
    std::vector<std::pair<std::size_t, engine::SteadyAnswer>> answers;
  };

  Entry entry_of(const engine::FaceResult& face, std::int64_t now_us) const;
  void advance(std::int64_t id, Run& run, std::int64_t now_us, bool all);
  void smooth(Run& run);
  bool decide(Run& run, bool all);
  bool takes_over(const Run& run, bool all) const;
  bool leads_clearly(int label, int over, const std::vector<double>& sums, double unknown,
                     double weight) const;
  void book(std::int64_t id, Run& run, const Entry& entry);
  void extend(SegmentTrack& track, Run& run, std::int64_t to_us);
  void answer(const Entry& entry);
  void book_means(std::int64_t id, Run& run, const Entry& entry);
  void add_changes(engine::FaceResult& face);

  std::vector<std::string> labels_;
  std::unordered_map<std::string, std::size_t> indices_;
  std::int64_t window_us_ = 0;
  Use use_ = Use::kSegments;
  FrameSteps steps_;
  std::map<std::int64_t, Run> open_;
  std::map<std::int64_t, SegmentTrack> tracks_;
  std::size_t segments_ = 0;
  Baseline baseline_;
  bool settled_ = false;
  bool finished_ = false;
  std::map<std::int64_t, TrackBaseline> baselines_;
  std::map<std::int64_t, std::vector<float>> known_;  // of settled baselines
  std::deque<Pending> pending_;
  std::int64_t taken_ = 0;
  std::int64_t frames_ = 0;
  std::int64_t begin_us_ = 0;
  std::int64_t last_us_ = 0;
  std::int64_t end_us_ = 0;
};

/// Sets the shares of time and the segments of every track.
void add_segments(const LabelSegments& segments, std::vector<TrackResult>& tracks);

}  // namespace mien::pipeline
