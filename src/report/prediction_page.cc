#include "mien/report/prediction_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "report/curves.h"
#include "report/html.h"
#include "report/names.h"
#include "report/palette.h"
#include "report/photo.h"
#include "report/table.h"
#include "report/text.h"

namespace mien::report {
namespace {

constexpr std::size_t kMaxFaces = 40;      // of one clip that are shown
constexpr std::size_t kMaxLanes = 14;      // of one face
constexpr std::size_t kMaxSegments = 400;  // of one face that are listed
constexpr std::size_t kMaxListed = 8;      // faces per input in the index of inputs
constexpr std::size_t kMany = 3;           // from this number on, faces are in columns
constexpr int kFaceSide = 112;

constexpr std::string_view kStyle = R"(
.lane,.axis{display:grid;grid-template-columns:8rem minmax(0,1fr) 3.2rem;gap:0 .6rem;align-items:center}
.lane{margin:2px 0}.lane>span{white-space:nowrap;overflow:hidden;text-overflow:ellipsis;font-size:.87rem}
.lane>span:last-child{text-align:right;font-variant-numeric:tabular-nums;color:var(--dim)}
.lane svg{width:100%;height:22px;background:var(--card)}
.axis{font-size:.78rem;color:var(--dim)}.axis>div{position:relative;height:1.2rem}
.axis i{position:absolute;font-style:normal;transform:translateX(-50%);white-space:nowrap}.axis i.a{transform:none}.axis i.z{transform:translateX(-100%)}
.shots{display:flex;flex-wrap:wrap;gap:.7rem;margin:.6rem 0}.shots figure{margin:0;width:112px;font-size:.8rem;line-height:1.3}.shots figcaption{overflow-wrap:anywhere}
table.index td{padding-right:1.2rem;overflow-wrap:normal}table.index td>a{color:var(--mark);overflow-wrap:anywhere}
table.index tr>td:nth-child(2){min-width:15rem}table.index tr>td:nth-child(3){white-space:nowrap}.more{white-space:nowrap}
@media (max-width:560px){table.index tr>:nth-child(3){display:none}table.index tr>td:nth-child(2){min-width:7rem}.lane,.axis{grid-template-columns:5.4rem minmax(0,1fr) 2.7rem;gap:0 .4rem}.axis .minor{display:none}}
@media print{.lane svg{background:#f2f2f2}}
)";

// A step with at most nine marks over `seconds`, or half as many for times of day, which are
// longer.
double tick_step(double span, bool long_marks) {
  const double seconds = long_marks ? 2 * span : span;
  for (const double step : {0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0,
                            600.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0}) {
    if (seconds / step <= 8.5) return step;
  }
  return seconds / 8;
}

std::string axis(double from, double seconds, const std::optional<WallTime>& clock) {
  const auto told = [&](double at) {
    if (!clock) return clock_text(from + at);
    const WallTime then = clock->after(std::llround((from + at) * 1e6));
    return time_of_day(then, then);  // a date would not fit
  };
  std::string out = "<div class=axis><span></span><div>";
  const double step = tick_step(seconds, clock.has_value());
  int number = 0;
  for (double at = 0; at <= seconds * 1.0001; at += step) {
    const bool minor = number % (seconds / step > 5 ? 4 : 2) != 0;  // hidden on narrow pages
    const char* edge = at <= 0 ? " a" : at > 0.95 * seconds ? " z" : "";
    out += fmt::format("<i class=\"{}{}\" style=\"left:{:.2f}%\">{}</i>", minor ? "minor" : "major",
                       edge, 100 * at / seconds, escape_markup(told(at)));
    ++number;
  }
  return out + "</div><span></span></div>\n";
}

double seconds_of(std::int64_t us) { return static_cast<double>(us) / 1e6; }

std::string count(std::int64_t n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

// A path that may break between its parts on narrow pages.
std::string breakable(std::string_view path) {
  std::string out;
  for (const char c : escape_markup(path)) {
    out += c;
    if (c == '/' || c == '_') out += "<wbr>";
  }
  return out;
}

// Label indices by the time they led, longest first; then those that never led, in their order.
std::vector<int> order_of_lanes(const std::map<int, double>& led, std::size_t labels) {
  std::vector<int> out;
  for (const auto& [label, time] : led) {
    if (label >= 0) out.push_back(label);
  }
  std::stable_sort(out.begin(), out.end(), [&](int a, int b) { return led.at(a) > led.at(b); });
  for (int i = 0; i < static_cast<int>(labels) && labels <= kMaxLanes; ++i) {
    if (!led.contains(i)) out.push_back(i);
  }
  if (out.size() > kMaxLanes) out.resize(kMaxLanes);
  if (led.contains(Segment::kUnknown)) out.push_back(Segment::kUnknown);
  return out;
}

// The probability of one label over time, interrupted where the face was absent.
template <class Place>
std::string area_of(const std::vector<ProbabilityCurves::Point>& curve, double step, Place x,
                    const std::string& colour) {
  if (curve.empty()) return {};
  double spacing = 1e300;  // of the analysed frames
  for (std::size_t i = 1; i < curve.size(); ++i) {
    spacing = std::min(spacing, curve[i].seconds - curve[i - 1].seconds);
  }
  const double half = curve.size() > 1 ? spacing / 2 : step / 2;
  std::string path;
  double last = 0;
  for (const ProbabilityCurves::Point& point : curve) {
    const double y = 22 - 22 * std::clamp(point.probability, 0.0, 1.0);
    if (path.empty() || point.seconds - last > 2.2 * spacing + step) {
      if (!path.empty()) path += fmt::format("H{:.1f}V22", x(last + half));
      path += fmt::format("M{:.1f} 22V{:.1f}", x(point.seconds - half), y);
    }
    path += fmt::format("L{:.1f} {:.1f}", x(point.seconds), y);
    last = point.seconds;
  }
  return fmt::format("<path d=\"{}H{:.1f}V22\" fill=\"{}\" fill-opacity=\".38\"/>", path,
                     x(last + half), colour);
}

std::string segment_table(const SegmentTrack& track, const LabelSegments& segments,
                          const std::optional<WallTime>& clock) {
  const bool changes = segments.has_baseline();
  std::string out = fmt::format(
      "<details open><summary>{}</summary><div class=scroll><table><tr><th class=n>from</th><th "
      "class=n>to</th>{}<th>label</th><th class=n>mean</th>{}</tr>\n",
      count(static_cast<std::int64_t>(track.segments.size()), "segment", "segments"),
      clock ? "<th>clock</th>" : "", changes ? "<th class=n>change from baseline</th>" : "");
  for (std::size_t i = 0; i < std::min(track.segments.size(), kMaxSegments); ++i) {
    const Segment& s = track.segments[i];
    out += fmt::format(
        "<tr><td class=n>{:.3f}</td><td class=n>{:.3f}</td>{}<td>{}</td><td class=n>{}</td>",
        seconds_of(s.from_us), seconds_of(s.to_us),
        clock ? fmt::format("<td>{}</td>", clock_span_text(s.from_us, s.to_us, *clock)) : "",
        escape_markup(segments.name(s.label)),
        s.label < 0 ? "" : escape_markup(percent(s.probability)));
    if (changes) {
      const auto change = track.change_of(s);
      out += fmt::format("<td class=n>{}</td>", change ? escape_markup(points(*change)) : "");
    }
    out += "</tr>\n";
  }
  if (track.segments.size() > kMaxSegments) {
    out +=
        fmt::format("<tr><td colspan=4>{} more</td></tr>\n", track.segments.size() - kMaxSegments);
  }
  return out + "</table></div></details>\n";
}

// The answer for the whole track as one face, which is not the label that led longest.
std::string whole_reading(const pipeline::TrackResult& track, int top) {
  if (track.labels.empty()) return {};
  std::string out =
      fmt::format("<p class=dim>The whole track read as one, {}: {}",
                  track.aggregate == engine::Aggregate::kTemporal ? "by the temporal model"
                                                                  : "the mean of its frames",
                  track.unknown ? "unknown (" : "");
  for (std::size_t i = 0; i < track.labels.size() && i < static_cast<std::size_t>(top); ++i) {
    out += fmt::format("{}{} {}", i == 0 ? "" : ", ", isolated(track.labels[i].label),
                       escape_markup(percent(static_cast<double>(track.labels[i].probability))));
  }
  out += track.unknown ? ")</p>\n" : "</p>\n";
  if (!track.baseline) return out;
  if (track.baseline->labels.empty()) {
    return out + "<p class=dim>No baseline: the face was not visible.</p>\n";
  }
  out += fmt::format(
      "<p class=dim>Over the whole track, change from its baseline of {}, in percentage points: ",
      escape_markup(clock_text(track.baseline->seconds)));
  bool first = true;
  for (const auto& one : track.baseline->labels) {
    out += fmt::format("{}{} {}", first ? "" : ", ", isolated(one.label),
                       escape_markup(points(one.change)));
    first = false;
  }
  return out + "</p>\n";
}

}  // namespace

PredictionPage::PredictionPage(std::vector<std::string> labels,
                               const PredictionPageOptions& options)
    : labels_(std::move(labels)),
      colours_(std::make_unique<LabelColours>(labels_)),
      options_(options) {}
PredictionPage::~PredictionPage() = default;

std::string PredictionPage::start_section(std::string_view input, const std::string& facts) {
  return fmt::format("<section id=i{}><h2>{}</h2>\n<p class=dim>{}</p>\n", index_.size() + 1,
                     escape_markup(input), facts);
}

Status PredictionPage::picture(const pipeline::FrameResult& picture, const image::Image* image) {
  ++pictures_;
  const image::Image* shown = options_.images ? image : nullptr;
  const std::string faces_text =
      count(static_cast<std::int64_t>(picture.faces.size()), "face", "faces");
  std::string out = start_section(picture.input, fmt::format("picture, {} × {}, {}", picture.width,
                                                             picture.height, faces_text));
  const PeopleColours people = face_colours(picture);
  MIEN_ASSIGN_OR_RETURN(const std::string shot, photo(picture, shown, people));
  out += fmt::format("<div class=\"picture{}\">{}<div class=faces>",
                     picture.faces.size() > kMany ? " many" : "", shot);
  IndexRow row{.input = picture.input, .kind = "picture", .faces = picture.faces.size()};
  for (std::size_t i = 0; i < picture.faces.size(); ++i) {
    const engine::FaceResult& face = picture.faces[i];
    ++in_pictures_[face.top()];
    row.add(face.top(), face.unknown || face.labels.empty()
                            ? ""
                            : percent(static_cast<double>(face.labels.front().probability)));
    const image::Box& box = face.face.box;
    const bool whole = face.face.source == face::FaceSource::kWhole;
    const std::string where =
        whole ? "the whole picture"
              : fmt::format("at {:.0f}, {:.0f}; {:.0f} × {:.0f}", static_cast<double>(box.x),
                            static_cast<double>(box.y), static_cast<double>(box.w),
                            static_cast<double>(box.h));
    const std::string tag = whole
                                ? ""
                                : fmt::format("<span class=tag style=\"background:{}\">{}</span>",
                                              css(people.of(static_cast<std::int64_t>(i))), i + 1);
    out += fmt::format("<article><h3>{}{}</h3><p class=dim>{}</p>", tag, escape_markup(face.top()),
                       where);
    if (shown != nullptr && !whole) {
      if (const auto data = face_thumbnail(*shown, box, kFaceSide); data.ok()) {
        out += fmt::format("<img alt=\"\" src=\"{}\">", *data);
      }
    }
    out += label_bars(face.labels, options_.top, *colours_) + "</article>\n";
  }
  if (picture.faces.empty()) out += "<p>No face found.</p>";
  sections_.push_back(out + "</div></div></section>\n");
  index_.push_back(std::move(row));
  return {};
}

Status PredictionPage::clip_frame(const pipeline::FrameResult& frame, const image::Image* image) {
  if (!curves_) curves_ = std::make_unique<ProbabilityCurves>(labels_);
  curves_->add(frame);
  if (!options_.images || image == nullptr) return {};
  for (const engine::FaceResult& face : frame.faces) {
    if (face.face.track < 0 || face.face.track >= static_cast<std::int64_t>(kMaxFaces)) continue;
    if (face.labels.empty()) continue;
    const auto where = std::find(labels_.begin(), labels_.end(), face.labels.front().label);
    const int label = face.unknown ? Segment::kUnknown : static_cast<int>(where - labels_.begin());
    const auto p = static_cast<double>(face.labels.front().probability);
    Shot& shot = shots_[{face.face.track, label}];
    if (!shot.data.empty() && !(p > shot.probability + 0.02)) continue;
    auto data = face_thumbnail(*image, face.face.box, kFaceSide);
    if (!data.ok()) continue;  // a box without pixels
    shot = {p, frame.timestamp_us, std::move(*data)};
  }
  return {};
}

std::string PredictionPage::lanes(const SegmentTrack& track, const LabelSegments& segments,
                                  double seconds, const std::optional<WallTime>& clock) const {
  const double from = seconds_of(segments.begin_us());
  std::map<int, double> led;
  double present = 0;
  for (const Segment& s : track.segments) {
    led[s.label] += seconds_of(s.to_us - s.from_us);
    present += seconds_of(s.to_us - s.from_us);
  }
  const auto x = [&](double at) { return std::clamp(1000 * (at - from) / seconds, 0.0, 1000.0); };
  const double step = tick_step(seconds, clock.has_value());
  std::string out;
  for (const int label : order_of_lanes(led, labels_.size())) {
    const std::string name = escape_markup(segments.name(label));
    const std::string colour = css(colour_of(segments.name(label)));
    const double share = present > 0 && led.contains(label) ? led[label] / present : 0;
    out += fmt::format(
        "<div class=lane><span title=\"{0}\">{0}</span><svg viewBox=\"0 0 1000 22\" "
        "preserveAspectRatio=none role=img aria-label=\"{0}, {1} of the time\">",
        name, escape_markup(percent(share)));
    for (double at = step; at < seconds; at += step) {
      out += fmt::format(
          "<path d=\"M{:.1f} 0V22\" stroke=\"var(--line)\" vector-effect=non-scaling-stroke />",
          1000 * at / seconds);
    }
    if (label >= 0 && curves_) {
      out += area_of(curves_->curve(track.id, static_cast<std::size_t>(label)), curves_->step(), x,
                     colour);
    }
    for (const Segment& s : track.segments) {
      if (s.label != label) continue;
      const double left = x(seconds_of(s.from_us)), right = x(seconds_of(s.to_us));
      out += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" fill=\"{}\"><title>{}: {} "
          "{}</title></rect>",
          left, label < 0 ? 3 : 15, std::max(right - left, 1.0), label < 0 ? 16 : 7, colour,
          escape_markup(span_text(s.from_us, s.to_us, clock)), name,
          label < 0 ? "" : escape_markup(percent(s.probability)));
    }
    out += fmt::format("</svg><span>{}</span></div>\n", escape_markup(percent(share)));
  }
  return out + axis(from, seconds, clock);
}

std::string PredictionPage::shots(std::int64_t track, const LabelSegments& segments,
                                  const std::optional<WallTime>& clock) const {
  std::string out;
  for (const auto& [key, shot] : shots_) {
    if (key.first != track || shot.data.empty()) continue;
    out += fmt::format(
        "<figure><img width=112 height=112 alt=\"\" src=\"{}\"><figcaption>{} {}<br><span "
        "class=dim>{}</span></figcaption></figure>",
        shot.data, isolated(segments.name(key.second)),
        key.second < 0 ? "" : escape_markup(percent(shot.probability)),
        escape_markup(instant_text(shot.time_us, clock)));
  }
  return out.empty() ? out : "<div class=shots>" + out + "</div>\n";
}

// The label that led longest on a track, with its share of the time.
void PredictionPage::add_longest(const SegmentTrack& track, const LabelSegments& segments,
                                 IndexRow& row) {
  std::map<int, std::int64_t> led;
  std::int64_t all = 0;
  for (const Segment& s : track.segments) {
    led[s.label] += s.to_us - s.from_us;
    all += s.to_us - s.from_us;
  }
  const auto longest = std::max_element(
      led.begin(), led.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (longest == led.end() || all <= 0) return;
  row.add(segments.name(longest->first),
          percent(static_cast<double>(longest->second) / static_cast<double>(all)));
}

void PredictionPage::clip(const pipeline::ClipResult& clip, const LabelSegments& segments) {
  ++clips_;
  const pipeline::SummaryResult& summary = clip.summary;
  std::vector<SegmentTrack> tracks = segments.tracks();
  std::string out = start_section(
      summary.input, fmt::format("clip of {}, {}, {} analysed, {}{}",
                                 escape_markup(clock_text(summary.media_seconds)),
                                 count(summary.frames, "frame", "frames"), summary.analysed_frames,
                                 count(static_cast<std::int64_t>(tracks.size()), "face", "faces"),
                                 summary.corrupt_frames > 0
                                     ? fmt::format(", {} broken frames", summary.corrupt_frames)
                                     : ""));
  if (summary.clock) {
    out += fmt::format("<p class=dim>0:00.0 is {}</p>\n", date_text(*summary.clock));
  }
  IndexRow row{.input = summary.input,
               .kind = "clip, " + clock_text(summary.media_seconds),
               .faces = tracks.size()};
  for (const SegmentTrack& track : tracks) add_longest(track, segments, row);
  const double seconds = std::max(1e-3, seconds_of(segments.end_us() - segments.begin_us()));
  const auto length = [](const SegmentTrack& track) {
    std::int64_t sum = 0;
    for (const Segment& s : track.segments) sum += s.to_us - s.from_us;
    return sum;
  };
  for (const SegmentTrack& track : tracks) {
    for (const Segment& s : track.segments) {
      in_clips_[segments.name(s.label)] += seconds_of(s.to_us - s.from_us);
    }
  }
  if (tracks.size() > kMaxFaces) {  // keep the longest, in their order
    std::vector<std::int64_t> lengths;
    for (const SegmentTrack& track : tracks) lengths.push_back(length(track));
    std::nth_element(lengths.begin(), lengths.begin() + kMaxFaces - 1, lengths.end(),
                     std::greater<>());
    const std::int64_t least = lengths[kMaxFaces - 1];
    std::size_t kept = 0;
    std::erase_if(tracks, [&](const SegmentTrack& track) {
      return length(track) < least || ++kept > kMaxFaces;
    });
    out +=
        fmt::format("<p>Only the {} faces that were visible longest are shown.</p>\n", kMaxFaces);
  }
  for (const SegmentTrack& track : tracks) {
    out += fmt::format("<article><h3>face {}</h3>\n", track.id);
    const auto whole = std::find_if(clip.tracks.begin(), clip.tracks.end(),
                                    [&](const auto& t) { return t.track == track.id; });
    if (whole != clip.tracks.end()) {
      out += fmt::format("<p class=dim>{}, {}</p>\n",
                         escape_markup(span_text(whole->from_us, whole->to_us, whole->clock)),
                         count(whole->frames, "frame", "frames"));
    }
    out += lanes(track, segments, seconds, summary.clock) +
           shots(track.id, segments, summary.clock) + segment_table(track, segments, summary.clock);
    if (whole != clip.tracks.end()) out += whole_reading(*whole, options_.top);
    out += "</article>\n";
  }
  if (tracks.empty()) out += "<p>No face found.</p>\n";
  sections_.push_back(out + "</section>\n");
  index_.push_back(std::move(row));
  curves_.reset();
  shots_.clear();
}

void PredictionPage::failed(std::string_view input, const Status& status) {
  curves_.reset();
  shots_.clear();
  failures_.push_back(fmt::format("<li><b>{}</b>: {}</li>\n", escape_markup(input),
                                  escape_markup(status.message())));
}

const Colour& PredictionPage::colour_of(std::string_view label) const {
  return colours_->of(label);
}

std::string PredictionPage::index() const {
  std::string out =
      "<h2>All inputs</h2>\n<div class=scroll><table class=index><tr><th class=n>no.</th>"
      "<th>input</th><th>kind</th><th class=n>faces</th><th>answers</th></tr>\n";
  for (std::size_t i = 0; i < index_.size(); ++i) {
    const IndexRow& row = index_[i];
    std::string answers;
    for (const auto& [label, told] : row.answers) {
      answers += swatch(label, told, colour_of(label));
    }
    if (row.faces > row.answers.size()) {
      answers +=
          fmt::format(" <span class=more>and {} more</span>", row.faces - row.answers.size());
    }
    out += fmt::format(
        "<tr><td class=n>{0}</td><td><a href=\"#i{0}\">{1}</a></td><td>{2}</td><td "
        "class=n>{3}</td><td>{4}</td></tr>\n",
        i + 1, breakable(row.input), escape_markup(row.kind), row.faces, answers);
  }
  return out + "</table></div>\n";
}

void PredictionPage::IndexRow::add(std::string label, std::string told) {
  if (answers.size() < kMaxListed) answers.emplace_back(std::move(label), std::move(told));
}

std::string PredictionPage::overview() const {
  std::string out;
  if (!in_pictures_.empty()) {
    std::int64_t all = 0;
    for (const auto& [name, n] : in_pictures_) all += n;
    out += fmt::format("<h3>Faces in {}</h3>\n", count(pictures_, "picture", "pictures"));
    for (const auto& [name, n] : in_pictures_) {
      out += label_bar(name, static_cast<double>(n) / static_cast<double>(all),
                       fmt::format("{}", n), colour_of(name));
    }
  }
  if (!in_clips_.empty()) {
    double all = 0;
    for (const auto& [name, t] : in_clips_) all += t;
    out += fmt::format("<h3>Timeline of all faces in {}</h3>\n", count(clips_, "clip", "clips"));
    for (const auto& [name, t] : in_clips_) {
      out += label_bar(name, all > 0 ? t / all : 0, clock_text(t), colour_of(name));
    }
  }
  return out;
}

std::string PredictionPage::html(const std::vector<std::pair<std::string, std::string>>& facts,
                                 std::string_view notice) const {
  std::string out = page_head("Expressions", std::string(photo_style()).append(kStyle)) +
                    "<h1>Expressions</h1>\n<table class=facts>";
  for (const auto& [name, value] : facts) {
    const bool code = name == "command";
    out += fmt::format("<tr><th>{}</th><td>{}{}{}</td></tr>\n", escape_markup(name),
                       code ? "<code>" : "", escape_markup(value), code ? "</code>" : "");
  }
  out += "</table>\n";
  if (clips_ > 0) {
    out +=
        "<p class=dim>Timelines: a solid bar marks where a label led; the pale area is its "
        "probability; no bar: the face was not visible. The figures at the right are shares "
        "of the time in which the face was visible.</p>\n";
  }
  if (index_.size() > 1) out += overview() + index();
  for (const std::string& section : sections_) out += section;
  if (!failures_.empty()) {
    out += "<section><h2 class=warn>Failed</h2><ul>\n";
    for (const std::string& failure : failures_) out += failure;
    out += "</ul></section>\n";
  }
  return out + page_foot(notice);
}

}  // namespace mien::report
