#include "eval/reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <tuple>

#include "data/captions.h"
#include "data/geometry.h"
#include "eval/clip_pass.h"
#include "eval/principal.h"
#include "mien/core/rng.h"
#include "mien/engine/label_scorer.h"
#include "mien/eval/run.h"
#include "mien/text/prompts.h"
#include "text/word_notes.h"

namespace mien::eval {
namespace {

using engine::LabelScorer;

// Of the votes' order: neutral, happiness, surprise, sadness, anger, disgust, fear, contempt.
constexpr std::array<std::string_view, 8> kVoted = {"neutral", "happy",   "surprise", "sad",
                                                    "angry",   "disgust", "fear",     "contempt"};

struct Embedded {
  std::vector<float> rows;
  std::vector<std::size_t> classes;
  std::size_t count() const { return classes.size(); }
};

// The class of a sample, or none.
Result<std::optional<std::size_t>> truth_of(const data::Sample& sample,
                                            const std::vector<std::string>& classes) {
  MIEN_ASSIGN_OR_RETURN(const auto votes, data::votes_of(sample));
  if (!votes) {
    if (sample.labels.size() != 1) return std::optional<std::size_t>();
    return std::optional(static_cast<std::size_t>(sample.labels.front()));
  }
  int sum = 0, most = 0;
  std::size_t best = 0;
  for (std::size_t e = 0; e < kVoted.size(); ++e) {
    const int count = votes->expressions[e] > 1 ? votes->expressions[e] : 0;
    sum += count;
    if (count > most) best = e;
    most = std::max(most, count);
  }
  if (2 * most <= sum) return std::optional<std::size_t>();
  for (std::size_t c = 0; c < classes.size(); ++c) {
    if (text::builtin_label_of(classes[c]) == kVoted[best]) return std::optional(c);
  }
  return std::optional<std::size_t>();
}

Result<std::vector<std::optional<std::size_t>>> truths_of(const data::Manifest& manifest,
                                                          const std::vector<std::string>& classes) {
  std::vector<std::optional<std::size_t>> out;
  for (const data::Sample& sample : manifest.samples) {
    MIEN_ASSIGN_OR_RETURN(const auto truth, truth_of(sample, classes));
    out.push_back(truth);
  }
  return out;
}

// The samples with a class, embedded in their order.
Result<Embedded> embed(const engine::Bundle& bundle, const data::Manifest& manifest,
                       const std::vector<std::optional<std::size_t>>& classes,
                       const ReferenceOptions& options) {
  Embedded out;
  RunOptions run;
  run.finder.mode = face::Mode::kWhole;
  run.max_bad_share = options.max_bad_share;
  run.cancel = options.cancel;
  ClipPass pass(bundle, manifest, run);
  MIEN_RETURN_IF_ERROR(pass.prepare(bundle));
  const auto index = [&](const data::Sample& sample) {
    return static_cast<std::size_t>(&sample - manifest.samples.data());
  };
  MIEN_RETURN_IF_ERROR(pass.run(
      [&](const data::Sample& sample) { return classes[index(sample)].has_value(); },
      [&](const data::Sample& sample, const engine::ClipReading& reading) {
        out.rows.insert(out.rows.end(), reading.embedding.begin(), reading.embedding.end());
        out.classes.push_back(*classes[index(sample)]);
      }));
  return out;
}

// Keeps at most a number of samples of every class, drawn with the seed; the others lose their
// class.
void draw_faces(std::vector<std::optional<std::size_t>>& classes, std::size_t class_count,
                const ReferenceOptions& options) {
  Rng rng(options.seed);
  for (std::size_t c = 0; c < class_count; ++c) {
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < classes.size(); ++i) {
      if (classes[i] == c) indices.push_back(i);
    }
    const auto wanted =
        std::min<std::size_t>(indices.size(), static_cast<std::size_t>(options.faces));
    for (std::size_t i = 0; i < wanted; ++i) {
      std::swap(indices[i], indices[i + static_cast<std::size_t>(rng.below(indices.size() - i))]);
    }
    for (std::size_t i = wanted; i < indices.size(); ++i) classes[indices[i]].reset();
  }
}

// Rows sorted by class, which is how a reference stores them.
Embedded by_class(const Embedded& all, std::size_t width) {
  std::vector<std::size_t> order(all.count());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return all.classes[a] < all.classes[b]; });
  Embedded out;
  for (const std::size_t i : order) {
    out.classes.push_back(all.classes[i]);
    const auto row = std::span(all.rows).subspan(i * width, width);
    out.rows.insert(out.rows.end(), row.begin(), row.end());
  }
  return out;
}

// Cosines of every row with the labels, in their order. Shape: [rows, labels].
std::vector<double> cosines_of(const LabelScorer& scorer, std::span<const float> rows,
                               std::size_t width, std::size_t labels) {
  std::vector<double> out;
  for (std::size_t at = 0; at < rows.size(); at += width) {
    const auto row = scorer.cosines(rows.subspan(at, width));
    out.insert(out.end(), row.begin(), row.begin() + static_cast<std::ptrdiff_t>(labels));
  }
  return out;
}

struct Question {
  double x;  ///< standardised cosine of a label
  double y;  ///< 1: the sample is of the label's class
};

// Slope and offset of the logit of y by x: Newton's method on the likelihood. A little weight decay
// and short steps keep it finite if the classes are perfectly separable.
std::pair<double, double> fit_logit(const std::vector<Question>& questions) {
  constexpr double kDecay = 1e-2;
  constexpr double kLongestStep = 2;
  double slope = 1, offset = 0;
  for (int step = 0; step < 100; ++step) {
    double gs = kDecay * slope, go = kDecay * offset, ss = kDecay, so = 0, oo = kDecay;
    for (const Question& q : questions) {
      const double p = 1 / (1 + std::exp(-(slope * q.x + offset)));
      const double w = p * (1 - p);
      gs += (p - q.y) * q.x;
      go += p - q.y;
      ss += w * q.x * q.x;
      so += w * q.x;
      oo += w;
    }
    const double determinant = ss * oo - so * so;
    const auto bounded = [&](double numerator) {
      return std::clamp(numerator / determinant, -kLongestStep, kLongestStep);
    };
    slope -= bounded(oo * gs - so * go);
    offset -= bounded(ss * go - so * gs);
  }
  return {std::clamp(slope, 0.0, 1e3), std::clamp(offset, -1e3, 1e3)};
}

struct Labels {
  std::vector<double> train, val;  ///< cosines
  std::vector<std::optional<std::size_t>> class_of;
  std::size_t count = 0;
};

Result<Labels> read_labels(const engine::Bundle& bundle, const text::LabelSet& set,
                           const std::vector<std::string>& classes, const Embedded& train,
                           const Embedded& val) {
  engine::Session session;
  engine::ScorerOptions plain;
  plain.unknown.mode = engine::UnknownChoice::Mode::kOff;
  MIEN_ASSIGN_OR_RETURN(const auto scorer, LabelScorer::make(bundle, set, plain, session));
  const auto width = static_cast<std::size_t>(bundle.info().architecture.embed);
  Labels out;
  out.count = set.labels.size();
  out.train = cosines_of(*scorer, train.rows, width, out.count);
  out.val = cosines_of(*scorer, val.rows, width, out.count);
  out.class_of.assign(out.count, std::nullopt);
  const auto indices = find_labels(set, classes);
  for (std::size_t c = 0; c < indices.size(); ++c) {
    if (indices[c]) out.class_of[*indices[c]] = c;
  }
  return out;
}

void add_questions(const engine::Reference& reference, const Labels& labels, const Embedded& val,
                   std::vector<Question>& out) {
  const engine::LabelFit fit = reference.fit(labels.train, labels.count);
  for (std::size_t i = 0; i < val.count(); ++i) {
    for (std::size_t l = 0; l < labels.count; ++l) {
      if (!labels.class_of[l]) continue;
      const double x = (labels.val[i * labels.count + l] - fit.mean[l]) / fit.deviation[l];
      out.push_back({x, *labels.class_of[l] == val.classes[i] ? 1.0 : 0.0});
    }
  }
}

// Share of the validation samples that would be unknown.
double unknown_share(const engine::Reference& reference, const Labels& labels, const Embedded& val,
                     std::size_t width) {
  const engine::LabelFit fit = reference.fit(labels.train, labels.count);
  double out = 0;
  for (std::size_t i = 0; i < val.count(); ++i) {
    const auto row = std::span(labels.val).subspan(i * labels.count, labels.count);
    const auto face = std::span(val.rows).subspan(i * width, width);
    if (engine::known_score(reference, fit, face, row) < 0) ++out;
  }
  return out / static_cast<double>(val.count());
}

Status add_words(const data::Manifest& manifest, std::set<std::string>& out) {
  for (const data::Sample& sample : manifest.samples) {
    MIEN_ASSIGN_OR_RETURN(const auto votes, data::votes_of(sample));
    MIEN_ASSIGN_OR_RETURN(const auto shape, data::geometry_of(sample));
    std::vector<std::string> captions = {sample.caption};
    if (votes) captions.push_back(data::caption_from_votes(*votes, sample.id, 1));
    if (shape) captions.push_back(data::caption_from_geometry(*shape, sample.id, 1));
    for (const std::string& caption : captions) {
      for (std::string& word : text::plain_words(caption)) out.insert(std::move(word));
    }
  }
  return {};
}

void add_words(const std::vector<text::Label>& labels, std::set<std::string>& out) {
  for (const text::Label& label : labels) {
    for (const std::string& text : label.texts) {
      for (std::string& word : text::plain_words(text)) out.insert(std::move(word));
    }
    add_words(label.parts, out);
  }
}

Tensor to_f16(std::vector<float>& rows, std::int64_t width) {
  Tensor out(DType::kF16, {static_cast<std::int64_t>(rows.size()) / width, width});
  auto* to = reinterpret_cast<std::uint16_t*>(out.mutable_bytes().data());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    to[i] = float_to_half(rows[i]);
    rows[i] = half_to_float(to[i]);
  }
  return out;
}

// The classes, each with its faces and its share of the training samples. Errors: as
// make_reference.
Result<std::vector<engine::ReferenceInfo::Class>> count_classes(
    const std::vector<std::string>& names, const std::vector<std::optional<std::size_t>>& truths,
    const Embedded& drawn) {
  std::vector<engine::ReferenceInfo::Class> out;
  double all = 0;
  for (std::size_t c = 0; c < names.size(); ++c) {
    const auto samples = std::count(truths.begin(), truths.end(), std::optional(c));
    const auto faces = std::count(drawn.classes.begin(), drawn.classes.end(), c);
    if (faces < 2) {
      return invalid_argument(
          fmt::format("reference: class '{}' has {} readable training faces (expected at least 2)",
                      names[c], faces));
    }
    out.push_back({names[c], faces, static_cast<double>(samples)});
    all += static_cast<double>(samples);
  }
  for (auto& one : out) one.share /= all;
  return out;
}

// The plane of the faces, and how far from it validation faces are.
void fit_plane(const engine::BundleInfo& bundle, const ReferenceOptions& options,
               const Embedded& train, const Embedded& val, engine::ReferenceInfo& info,
               std::vector<float>& basis) {
  constexpr double kDeviations = 3;
  const auto width = static_cast<std::size_t>(bundle.architecture.embed);
  info.directions = std::min<std::int64_t>({options.directions, bundle.architecture.embed,
                                            static_cast<std::int64_t>(train.count()) - 1});
  basis = principal_plane(train.rows, width, static_cast<std::size_t>(info.directions));
  const engine::Reference plane(info, train.rows, basis, bundle.architecture.embed);
  double sum = 0, square = 0;
  for (std::size_t i = 0; i < val.count(); ++i) {
    const double d = plane.distance(std::span(val.rows).subspan(i * width, width));
    sum += d;
    square += d * d;
  }
  const auto count = static_cast<double>(val.count());
  const double mean = sum / count;
  info.far_unit = std::max(1e-6, std::sqrt(std::max(0.0, square / count - mean * mean)));
  info.far = mean + kDeviations * info.far_unit;
}

// The logit of a fit, and the level. `sets`: the bundle's own labels first.
void fit_rule(const std::vector<Labels>& sets, const Embedded& faces,
              const std::vector<float>& basis, const Embedded& val, double accept,
              std::int64_t embed, engine::ReferenceInfo& info) {
  const auto with_level = [&](double level) {
    engine::ReferenceInfo tried = info;
    tried.level = level;
    return engine::Reference(std::move(tried), faces.rows, basis, embed);
  };
  std::vector<Question> questions;
  for (const Labels& labels : sets) add_questions(with_level(0), labels, val, questions);
  std::tie(info.slope, info.offset) = fit_logit(questions);
  // Training faces fit better than others, so the level is the share of them that is unknown when 1
  // - accept of the validation samples are; the larger share over all label sets counts.
  constexpr double kStep = 0.002;
  info.level = 0;
  for (double level = kStep; level < 0.5; level += kStep) {
    const engine::Reference candidate = with_level(level);
    const bool accepts = std::all_of(sets.begin(), sets.end(), [&](const Labels& labels) {
      return unknown_share(candidate, labels, val, static_cast<std::size_t>(embed)) <= 1 - accept;
    });
    if (!accepts) break;
    info.level = level;
  }
  info.threshold = with_level(info.level).fit(sets.front().train, sets.front().count).threshold;
}

}  // namespace

Result<MadeReference> make_reference(const std::shared_ptr<const engine::Bundle>& bundle,
                                     const data::Manifest& train, const data::Manifest& val,
                                     const ReferenceOptions& options) {
  const engine::BundleInfo& of = bundle->info();
  if (of.labels.empty()) {
    return invalid_argument(of.name + ": has no labels of its own (expected some for a reference)");
  }
  const std::vector<std::string>& classes = train.classes;
  MIEN_ASSIGN_OR_RETURN(const auto truths, truths_of(train, classes));
  MIEN_ASSIGN_OR_RETURN(const auto val_truths, truths_of(val, classes));
  auto drawn = truths;
  draw_faces(drawn, classes.size(), options);
  MIEN_ASSIGN_OR_RETURN(Embedded embedded, embed(*bundle, train, drawn, options));
  MIEN_ASSIGN_OR_RETURN(const Embedded validation, embed(*bundle, val, val_truths, options));
  const auto width = static_cast<std::size_t>(of.architecture.embed);
  Embedded faces = by_class(embedded, width);
  if (validation.count() < 2) {
    return invalid_argument(val.name + ": has no samples to validate with (expected some)");
  }
  MadeReference out;
  out.validated = static_cast<std::int64_t>(validation.count());
  engine::ReferenceInfo& info = out.info;
  MIEN_ASSIGN_OR_RETURN(info.classes, count_classes(classes, truths, faces));
  out.faces = to_f16(faces.rows, of.architecture.embed);  // fit on the values as stored
  std::vector<float> basis;
  fit_plane(of, options, faces, validation, info, basis);
  out.basis = Tensor::from_f32({1 + info.directions, of.architecture.embed}, basis);
  std::vector<Labels> sets;
  MIEN_ASSIGN_OR_RETURN(
      sets.emplace_back(),
      read_labels(*bundle, {.name = of.name, .labels = of.labels}, classes, faces, validation));
  std::set<std::string> words;
  add_words(of.labels, words);
  if (bundle->has_text_tower()) {
    text::LabelSet described{.name = "classes", .labels = {}};
    for (const std::string& name : classes) {
      described.labels.push_back(text::described(name));
    }
    MIEN_ASSIGN_OR_RETURN(sets.emplace_back(),
                          read_labels(*bundle, described, classes, faces, validation));
    add_words(described.labels, words);
  }
  fit_rule(sets, faces, basis, validation, options.accept, of.architecture.embed, info);
  MIEN_RETURN_IF_ERROR(add_words(train, words));
  info.words.assign(words.begin(), words.end());
  return out;
}

}  // namespace mien::eval
