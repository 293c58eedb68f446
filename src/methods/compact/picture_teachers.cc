#include "methods/compact/picture_teachers.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "loss/unit_rows.h"
#include "methods/compact/votes.h"
#include "mien/engine/bundle.h"
#include "mien/engine/label_scorer.h"
#include "mien/text/prompts.h"

namespace mien::methods {
namespace {

constexpr std::int64_t kTeacherPictures = 64;  // per pass, doubled by mirror images

using Scorer = std::shared_ptr<const engine::LabelScorer>;

/// The scorers of one bundle.
struct Questions {
  Scorer labels;
  torch::Tensor place_of;  ///< [classes] of a class among the labels of the scorer
  Scorer votes;            ///< nullptr: a bundle without words
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
  std::vector<std::int64_t> places;
  for (const std::string& name : classes) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      return invalid_argument(
          fmt::format("{}: has no label '{}' (expected every class of the training data)",
                      bundle.path().string(), name));
    }
    places.push_back(found - names.begin());
  }
  out.place_of = torch::tensor(places, torch::kInt64);
  return out;
}

// Shape: embeddings [N, width], unit rows -> [N, labels] float64.
torch::Tensor logits_of(const engine::LabelScorer& scorer, const torch::Tensor& embeddings) {
  const auto width = static_cast<std::size_t>(embeddings.size(1));
  std::vector<torch::Tensor> rows;
  for (std::int64_t i = 0; i < embeddings.size(0); ++i) {
    rows.push_back(torch::tensor(scorer.score({embeddings[i].data_ptr<float>(), width}).logits,
                                 torch::kFloat64));
  }
  return at::stack(rows);
}

// The probabilities of pictures and, behind them, of their mirror images, averaged.
// Shape: logits [2 N, labels] -> [N, labels].
torch::Tensor teacher_answers(const torch::Tensor& logits) {
  const auto both = logits.softmax(1).view({2, logits.size(0) / 2, -1});
  return both.mean(0).to(torch::kFloat32);
}

// Shape: [2 N, 3, S, S]; the mirror images come last.
torch::Tensor with_mirrors(const torch::Tensor& grey) {
  return at::cat({grey, grey.flip(3)}).expand({-1, 3, -1, -1}).contiguous();
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
                          engine::Bundle::load(path, {.precision = engine::PrecisionChoice::kF32,
                                                      .many_pictures = true}));
    if (bundle->info().preprocess != spec) {
      return invalid_argument(path.string() +
                              ": preprocesses pictures differently from the tower to train");
    }
    MIEN_ASSIGN_OR_RETURN(const Questions questions, questions_for(*bundle, classes));
    MIEN_ASSIGN_OR_RETURN(const auto encoder, bundle->image_encoder());
    with_words += questions.votes ? 1 : 0;
    engine::Session session;
    for (std::size_t first = 0; first < view.size(); first += kTeacherPictures) {
      const auto count = std::min<std::size_t>(kTeacherPictures, view.size() - first);
      const std::span<const std::int64_t> places = std::span(view).subspan(first, count);
      const torch::Tensor pixels = with_mirrors(pictures.planes(places));
      torch::Tensor embeddings = torch::empty({pixels.size(0), encoder->embed()});
      MIEN_RETURN_IF_ERROR(encoder->encode(pixels.data_ptr<float>(), pixels.size(0),
                                           embeddings.data_ptr<float>(), session));
      embeddings = loss::unit_rows(embeddings);
      const torch::Tensor at_places =
          torch::tensor(std::vector<std::int64_t>(places.begin(), places.end()), torch::kInt64);
      const torch::Tensor labels = logits_of(*questions.labels, embeddings);
      out.labels.index_add_(0, at_places,
                            teacher_answers(labels.index_select(1, questions.place_of)));
      if (questions.votes) {
        votes.index_add_(0, at_places, teacher_answers(logits_of(*questions.votes, embeddings)));
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
