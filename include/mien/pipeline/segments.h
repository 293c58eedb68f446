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

/// A stretch of time over which one label led on a face.
struct Segment {
  static constexpr int kUnknown = -2;  ///< there, but no label fits

  std::int64_t from_us = 0;
  std::int64_t to_us = 0;
  int label = kUnknown;           ///< place in LabelSegments::labels(), or kUnknown
  double probability = 0;         ///< mean of the label's probability over its time; 0 when unknown
  std::vector<float> means = {};  ///< with a baseline: of every label
};

struct SegmentTrack {
  std::int64_t id = 0;
  std::vector<Segment> segments = {};  ///< by time, without overlap; gaps where the face is away
  /// Time of every label in the order of LabelSegments::labels(), then that of unknown.
  std::vector<double> seconds = {};
  std::int64_t left_out = 0;  ///< segments beyond kMaxSegments; their time is in `seconds`
  /// With a baseline: its probabilities (none when the face was not there), what it rests on, and
  /// the means over the whole track.
  std::vector<float> baseline = {};
  double baseline_seconds = 0;
  std::vector<double> means = {};
  double weight = 0;  ///< of `means`

  /// How much more probable the label of a segment was than in the baseline.
  std::optional<double> change_of(const Segment& segment) const;
};

/// How long analysed frames last: until the next one. A pause of more than a second and of more
/// than four usual steps is a gap in the clip; the frame before it lasts one usual step.
class FrameSteps {
 public:
  /// The time of the next frame; returns how long the one before it lasted (0 for the first).
  /// Precondition: times do not fall.
  std::int64_t next(std::int64_t now_us);
  /// The median of the last steps; 40 ms when there are none.
  std::int64_t usual() const;

 private:
  std::array<std::int64_t, 9> steps_{};
  std::size_t count_ = 0;
  bool begun_ = false;
  std::int64_t last_us_ = 0;
};

/// The one place that turns frames into answers over time; every output uses its segments.
///
/// Probabilities are averaged, weighted with time, over a window around each analysed frame (more
/// than half unknown makes it unknown). A label takes over when it leads for a whole window from
/// then on, and clearly: by a tenth over the one that led. A face that comes back within a window
/// was there in between; a longer absence ends its stretch. What a frame says is settled one and a
/// half windows later. Memory: a few windows of every face, and the segments, up to kMaxSegments.
class LabelSegments {
 public:
  static constexpr std::size_t kMaxSegments = 200'000;  ///< of all faces; later ones only count

  enum class Use {
    kSegments,  ///< segments alone; take() is not called
    kAnswers,   ///< take() is called for every frame
    kLive,      ///< as kAnswers, at once: the window ends at the frame, and a label stays for one
  };

  /// `labels`: the label set in the user's order. `smooth_seconds` <= 0: every frame for itself.
  explicit LabelSegments(std::vector<std::string> labels = {}, double smooth_seconds = 0.5,
                         Use use = Use::kSegments);

  /// From now on answers and segments have changes against it. Call it before add().
  void set_baseline(const Baseline& baseline) { baseline_ = baseline; }
  /// True when the baseline of all tracks is known: faces that take() gives have their changes.
  bool baseline_settled();
  bool has_baseline() const { return baseline_.enabled(); }

  /// Adds the next analysed frame of the clip; faces without a track are left out.
  void add(const FrameResult& frame);
  /// The clip ends; the last frame lasts as long as is usual. Call it once.
  void finish();

  /// The oldest frame that was added and not taken: puts the settled answers into its faces.
  /// False: they are not settled yet. Call it with the frames in their order.
  bool take(FrameResult& frame);
  /// Settles the oldest frame with what is known now, when no more frames can be kept.
  void settle_oldest();

  const std::vector<std::string>& labels() const { return labels_; }
  /// The label's name, or "unknown".
  const std::string& name(int label) const;
  /// By id. Complete after finish().
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

/// Gives every track its shares of time and its segments.
void add_segments(const LabelSegments& segments, std::vector<TrackResult>& tracks);

}  // namespace mien::pipeline
