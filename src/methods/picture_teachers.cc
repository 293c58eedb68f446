#include "methods/picture_teachers.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <utility>

#include "methods/votes.h"
#include "mien/engine/bundle.h"
#include "mien/engine/label_scorer.h"
#include "mien/text/prompts.h"

namespace mien::methods {
namespace {

constexpr std::int64_t kPictures = 64;  // with their mirror images twice as many per pass

using Scorer = std::shared_ptr<const engine::LabelScorer>;

/// What a bundle is asked.
struct Questions {
  Scorer labels;
  std::vector<std::size_t> place_of;  ///< of a class among the labels of the scorer
  Scorer votes;                       ///< nullptr: a bundle without words
};

Result<Scorer> ask_by(const engine::Bundle& bundle, std::vector<text::Label> labels) {
  engine::Session session;
  engine::ScorerOptions options;
  options.unknown.mode = engine::UnknownChoice::Mode::kOff;
  return engine::LabelScorer::make(bundle, {.name = "teacher", .labels = std::move(labels)},
                                   options, session);
}

Result<Questions> questions_for(const engine::Bundle& bundle,
                                const std::vector<std::string>& classes) {
  Questions out;
  std::vector<text::Label> labels = bundle.info().labels, votes;
  if (bundle.has_text_tower()) {
    labels.clear();
    for (const std::string& name : classes) {
      labels.push_back({.name = name, .texts = text::describe(name), .parts = {}});
    }
    for (const std::string_view name : kVoteNames) {
      votes.push_back({.name = std::string(name), .texts = text::prompt_texts(name), .parts = {}});
    }
    MIEN_ASSIGN_OR_RETURN(out.votes, ask_by(bundle, std::move(votes)));
  }
  MIEN_ASSIGN_OR_RETURN(out.labels, ask_by(bundle, std::move(labels)));
  const std::vector<std::string>& names = out.labels->names();
  for (const std::string& name : classes) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      return invalid_argument(
          fmt::format("{}: has no label '{}' (expected every class of the training data)",
                      bundle.path().string(), name));
    }
    out.place_of.push_back(static_cast<std::size_t>(found - names.begin()));
  }
  return out;
}

// Adds the probabilities of the answers to one row, weighted.
void add_answer(const engine::LabelScorer& scorer, std::span<const float> embedding,
                const std::vector<std::size_t>* places, double weight, float* row) {
  const std::vector<double> logits = scorer.score(embedding).logits;
  const std::size_t count = places != nullptr ? places->size() : logits.size();
  const auto logit = [&](std::size_t c) { return logits[places != nullptr ? (*places)[c] : c]; };
  double most = logit(0), sum = 0;
  for (std::size_t c = 1; c < count; ++c) most = std::max(most, logit(c));
  for (std::size_t c = 0; c < count; ++c) sum += std::exp(logit(c) - most);
  for (std::size_t c = 0; c < count; ++c) {
    row[c] += static_cast<float>(weight * std::exp(logit(c) - most) / sum);
  }
}

// Shape: [2 N, 3, S, S]; the mirror images come last.
torch::Tensor with_mirrors(const PictureStore& pictures, std::span<const std::int64_t> places,
                           std::int64_t side) {
  const auto count = static_cast<std::int64_t>(places.size());
  torch::Tensor grey = torch::empty({count, 1, side, side});
  for (std::int64_t i = 0; i < count; ++i) {
    const auto plane = pictures.plane(places[static_cast<std::size_t>(i)]);
    std::copy(plane.begin(), plane.end(), grey[i].data_ptr<float>());
  }
  return at::cat({grey, grey.flip(3)}).expand({2 * count, 3, side, side}).contiguous();
}

}  // namespace

Result<TeacherAnswers> ask_teachers(const std::vector<std::filesystem::path>& bundles,
                                    const std::vector<std::string>& classes, std::size_t samples,
                                    const PictureStore& pictures, const data::View& view,
                                    const image::PreprocessSpec& spec,
                                    const std::function<void(std::int64_t)>& progress) {
  const at::NoGradGuard no_grad;
  TeacherAnswers out;
  const auto rows = static_cast<std::int64_t>(samples);
  out.labels = torch::zeros({rows, static_cast<std::int64_t>(classes.size())});
  torch::Tensor votes = torch::zeros({rows, static_cast<std::int64_t>(kVoteClasses)});
  std::int64_t done = 0;
  int with_words = 0;
  for (const std::filesystem::path& path : bundles) {
    MIEN_ASSIGN_OR_RETURN(const auto bundle,
                          engine::Bundle::load(path, {.precision = engine::PrecisionChoice::kAuto,
                                                      .many_pictures = true}));
    if (bundle->info().preprocess != spec) {
      return invalid_argument(path.string() +
                              ": prepares pictures in another way than the tower that learns");
    }
    MIEN_ASSIGN_OR_RETURN(const Questions questions, questions_for(*bundle, classes));
    MIEN_ASSIGN_OR_RETURN(const auto encoder, bundle->image_encoder());
    with_words += questions.votes ? 1 : 0;
    engine::Session session;
    for (std::size_t first = 0; first < view.size(); first += kPictures) {
      const auto count = std::min<std::size_t>(kPictures, view.size() - first);
      const std::span<const std::int64_t> places = std::span(view).subspan(first, count);
      const torch::Tensor pixels = with_mirrors(pictures, places, encoder->image_size());
      torch::Tensor embeddings = torch::empty({pixels.size(0), encoder->embed()});
      MIEN_RETURN_IF_ERROR(encoder->encode(pixels.data_ptr<float>(), pixels.size(0),
                                           embeddings.data_ptr<float>(), session));
      embeddings /= embeddings.norm(2, -1, true).clamp_min(1e-12);
      const auto width = static_cast<std::size_t>(encoder->embed());
      for (std::size_t i = 0; i < 2 * count; ++i) {
        const std::span<const float> row(embeddings.data_ptr<float>() + i * width, width);
        const std::int64_t place = places[i % count];
        add_answer(*questions.labels, row, &questions.place_of, 0.5,
                   out.labels[place].data_ptr<float>());
        if (questions.votes) {
          add_answer(*questions.votes, row, nullptr, 0.5, votes[place].data_ptr<float>());
        }
      }
      done += static_cast<std::int64_t>(count);
      progress(done);
    }
  }
  if (!bundles.empty()) out.labels /= static_cast<double>(bundles.size());
  if (with_words > 0) out.votes = votes / static_cast<double>(with_words);
  return out;
}

}  // namespace mien::methods
