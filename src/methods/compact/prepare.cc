// What the compact model starts from: image tower, words, dictionary, classes, features.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "checkpoint/safetensors.h"
#include "core/file.h"
#include "data/loader.h"
#include "methods/compact/train.h"
#include "methods/kit/below_data.h"
#include "methods/kit/labelled.h"
#include "methods/kit/tower_table.h"
#include "mien/text/prompts.h"
#include "nn/load.h"

namespace mien::methods {
namespace {

constexpr std::int64_t kPictureBatch = 128;
constexpr std::uint64_t kMostWordBytes = 64U << 20;

// Rows of int8 with one factor each.
torch::Tensor dequantised(const TensorView& table, const torch::Tensor& factors) {
  torch::Tensor bytes = torch::empty({table.dim(0), table.dim(1)}, torch::kInt8);
  std::memcpy(bytes.data_ptr(), table.bytes().data(), table.bytes().size());
  return bytes.to(torch::kFloat32) * factors.unsqueeze(1);
}

}  // namespace

Status CompactMethod::prepare() {
  MIEN_ASSIGN_OR_RETURN(data_, load_training_data(recipe_.data, context_.data, context_.seed));
  MIEN_RETURN_IF_ERROR(keep_labelled(data_));
  torch::manual_seed(context_.seed);
  MIEN_RETURN_IF_ERROR(prepare_image());
  MIEN_RETURN_IF_ERROR(prepare_words());
  return prepare_classes();
}

Status CompactMethod::prepare_image() {
  std::shared_ptr<const engine::Bundle> bundle;
  if (recipe_.model.image.empty()) {
    architecture_ = recipe_.tower.architecture();
    preprocess_ = compact_preprocess(recipe_.tower.image_size);
  } else {
    MIEN_ASSIGN_OR_RETURN(bundle,
                          engine::Bundle::load(below_data(context_.data, recipe_.model.image)));
    architecture_ = bundle->info().architecture;
    preprocess_ = bundle->info().preprocess;
    const auto* sizes = std::get_if<engine::ResidualSizes>(&architecture_.image);
    if (sizes == nullptr || !sizes->projection) {
      return unsupported(recipe_.model.image +
                         ": not a residual image tower with a projection (expected a bundle of "
                         "compact-image)");
    }
  }
  tower_ = nn::ResidualTower(
      residual_options(std::get<engine::ResidualSizes>(architecture_.image), architecture_.embed));
  tower_->eval();
  if (bundle) {
    MIEN_RETURN_IF_ERROR(nn::load_by_name(tower_->published(), bundle->weights(),
                                          {.prefix = "visual.", .strict = true})
                             .with_prefix(recipe_.model.image));
  }
  if (bundle && bundle->label_features() != nullptr) {
    MIEN_ASSIGN_OR_RETURN(prototypes_, nn::to_torch(*bundle->label_features()));
  }
  for (const auto& [name, tensor] : nn::named_parameters(*tower_)) {
    torch::Tensor(tensor).set_requires_grad(false);
    if (name == "proj") proj_ = tensor;
  }
  tau_ = torch::full({}, std::log(bundle ? bundle->info().logit_scale : 10.0), torch::kFloat32);
  text_tau_ = torch::full({}, std::log(14.0), torch::kFloat32);
  return {};
}

Status CompactMethod::prepare_words() {
  const std::filesystem::path folder = below_data(context_.data, recipe_.model.words);
  MIEN_ASSIGN_OR_RETURN(const std::string list,
                        read_text_file(folder / "words.txt", kMostWordBytes));
  MIEN_ASSIGN_OR_RETURN(tokenizer_, text::parse_words(list));
  MIEN_ASSIGN_OR_RETURN(const auto vectors,
                        checkpoint::open_safetensors(folder / "words.safetensors"));
  const TensorView* table = vectors->find("table");
  const TensorView* scale = vectors->find("scale");
  if (table == nullptr || scale == nullptr || table->dtype() != DType::kI8 || table->rank() != 2 ||
      table->dim(0) != tokenizer_->words() || scale->shape() != Shape{table->dim(0)}) {
    return corrupt(fmt::format(
        "{}: has no vectors of its words (expected 'table' I8 [{}, width] "
        "and 'scale' [{}])",
        (folder / "words.safetensors").string(), tokenizer_->words(), tokenizer_->words()));
  }
  MIEN_ASSIGN_OR_RETURN(const torch::Tensor factors, nn::to_torch(*scale));
  const nn::WordTowerOptions sizes = {.context = recipe_.model.context,
                                      .words = static_cast<int>(table->dim(0)),
                                      .buckets = tokenizer_->buckets(),
                                      .word_width = static_cast<int>(table->dim(1)),
                                      .width = recipe_.model.width,
                                      .layers = recipe_.model.layers,
                                      .heads = recipe_.model.heads,
                                      .mlp = 4 * recipe_.model.width,
                                      .embed = architecture_.embed};
  architecture_.text = engine::WordTextSizes{.context = sizes.context,
                                             .word_width = sizes.word_width,
                                             .vocabulary = tokenizer_->vocabulary_size(),
                                             .width = sizes.width,
                                             .layers = sizes.layers,
                                             .heads = sizes.heads,
                                             .mlp = sizes.mlp};
  MIEN_RETURN_IF_ERROR(architecture_.validate("model"));
  words_ = nn::WordTower(sizes, dequantised(*table, factors));
  const bool random = recipe_.model.text.empty();
  const std::filesystem::path text = below_data(context_.data, recipe_.model.text);
  if (!random && std::filesystem::exists(text / "bundle.json")) {
    MIEN_RETURN_IF_ERROR(text_from_bundle(text));
  } else if (!random) {
    const auto file = text / "best.safetensors";
    MIEN_ASSIGN_OR_RETURN(const auto run, checkpoint::open_safetensors(file));
    MIEN_RETURN_IF_ERROR(
        nn::load_by_name(words_->published(), *run, {.prefix = "model/words.", .strict = true})
            .with_prefix(file.string()));
  }
  MIEN_ASSIGN_OR_RETURN(auto synsets,
                        data::load_wordnet(below_data(context_.data, recipe_.model.wordnet)));
  MIEN_ASSIGN_OR_RETURN(glosses_,
                        GlossPairs::make(std::move(synsets), tokenizer_, recipe_.gloss,
                                         std::min(recipe_.gloss.longest, recipe_.model.context)));
  return {};
}

// The text tower of a finished bundle, whose vectors of trigrams are rounded to int8.
Status CompactMethod::text_from_bundle(const std::filesystem::path& path) {
  MIEN_ASSIGN_OR_RETURN(const auto bundle, engine::Bundle::load(path));
  if (bundle->info().architecture.text != architecture_.text) {
    return invalid_argument(path.string() + ": has a text tower of other sizes than the recipe");
  }
  MIEN_ASSIGN_OR_RETURN(const auto tokenizer, bundle->tokenizer());
  if (tokenizer->file_text() != tokenizer_->file_text()) {
    return invalid_argument(path.string() + ": knows other words than " + recipe_.model.words);
  }
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : words_->published()) {
    torch::Tensor to = tensor;
    if (name != "buckets") {
      MIEN_ASSIGN_OR_RETURN(const auto from,
                            nn::to_torch(*bundle->weights().find("words." + name)));
      to.copy_(from);
      continue;
    }
    const TensorView* table = bundle->weights().find("words.table");
    MIEN_ASSIGN_OR_RETURN(const auto scale, nn::to_torch(*bundle->weights().find("words.scale")));
    const std::int64_t first = table->dim(0) - to.size(0);
    to.copy_(dequantised(*table, scale).narrow(0, first, to.size(0)));
  }
  return {};
}

Status CompactMethod::prepare_classes() {
  const auto classes = static_cast<std::int64_t>(data_.train->classes.size());
  if (recipe_.training.prototype_weight > 0 &&
      (!prototypes_.defined() || prototypes_.size(0) != classes)) {
    return invalid_argument(fmt::format(
        "compact.prototype_weight: the image bundle has no prototypes of the {} classes", classes));
  }
  for (const std::string& name : data_.train->classes) {
    labels_.push_back({.name = name, .texts = text::describe(name), .parts = {}});
    own_labels_.push_back({.name = name, .texts = text::prompt_texts(name), .parts = {}});
  }
  for (const std::string_view name : kVoteNames) {
    std::vector<std::string> texts;
    for (const std::string& word : text::aliases_of(name)) {
      for (std::string& text : text::prompt_texts(word)) texts.push_back(std::move(text));
      texts.push_back(word);
    }
    class_texts_.push_back(std::move(texts));
  }
  vote_class_ = vote_places(data_.train->classes);
  MIEN_ASSIGN_OR_RETURN(train_votes_, vote_shares_of(*data_.train));
  MIEN_ASSIGN_OR_RETURN(val_votes_, vote_shares_of(*data_.val));
  known_ = known_columns(data_.train->classes, recipe_.data.leave_out);
  forget_left_out(known_, train_votes_);
  if (recipe_.training.geometry_weight > 0) {
    MIEN_ASSIGN_OR_RETURN(shapes_, FaceShapes::of(*data_.train));
  }
  return {};
}

namespace {

// Shape: features of the pictures of `view`, changed by `augment` unless it changes nothing.
Result<torch::Tensor> read_features(nn::ResidualTower& tower, const PictureStore& pictures,
                                    const data::View& view, int side,
                                    const data::AugmentOptions& augment, std::uint64_t seed,
                                    const DataOptions& options,
                                    const std::function<void(std::int64_t)>& progress) {
  const at::NoGradGuard no_grad;
  data::Loader<std::vector<float>> loader(
      [&](std::int64_t place, Rng& rng) -> Result<std::vector<float>> {
        const auto plane = pictures.plane(place);
        std::vector<float> planes;
        for (int p = 0; p < 3; ++p) planes.insert(planes.end(), plane.begin(), plane.end());
        if (augment.any()) data::augment(data::draw_augmentation(augment, rng), side, planes, rng);
        planes.resize(plane.size());
        return planes;
      },
      {.threads = options.threads, .ahead = 2 * static_cast<int>(kPictureBatch)});
  loader.start(view, seed);
  std::vector<torch::Tensor> out;
  while (loader.remaining() > 0) {
    const std::int64_t count = std::min(kPictureBatch, loader.remaining());
    torch::Tensor pixels = torch::empty({count, 1, side, side});
    for (std::int64_t i = 0; i < count; ++i) {
      MIEN_ASSIGN_OR_RETURN(const std::vector<float> plane, loader.next());
      std::memcpy(pixels[i].data_ptr<float>(), plane.data(), 4 * plane.size());
    }
    out.push_back(tower->features(pixels));
    progress(static_cast<std::int64_t>(view.size()) - loader.remaining());
  }
  return at::cat(out);
}

}  // namespace

Result<torch::Tensor> CompactMethod::features(const PictureStore& pictures, const data::View& view,
                                              int number) {
  const auto total = static_cast<std::int64_t>(view.size());
  return read_features(tower_, pictures, view, preprocess_.output_size(),
                       number == 0 ? data::AugmentOptions{} : recipe_.training.augment,
                       context_.seed * 131ULL + static_cast<std::uint64_t>(number), recipe_.data,
                       [&](std::int64_t done) {
                         if (context_.progress) context_.progress("features", done, total);
                       });
}

Status CompactMethod::prepare_val_features() {
  if (val_features_.defined() || data_.val_view.empty()) return {};
  MIEN_ASSIGN_OR_RETURN(const auto pictures, PictureStore::read(*data_.val, data_.val_view,
                                                                preprocess_, recipe_.data, {}));
  pictures->keep_readable(data_.val_view);
  MIEN_ASSIGN_OR_RETURN(val_features_, features(*pictures, data_.val_view, 0));
  return {};
}

Status CompactMethod::prepare_features() {
  if (train_views_.defined()) return {};
  MIEN_RETURN_IF_ERROR(prepare_val_features());
  MIEN_ASSIGN_OR_RETURN(const auto train, PictureStore::read(*data_.train, data_.train_view,
                                                             preprocess_, recipe_.data, {}));
  train->keep_readable(data_.train_view);
  std::vector<torch::Tensor> views;
  for (int number = 0; number < recipe_.training.views; ++number) {
    MIEN_ASSIGN_OR_RETURN(views.emplace_back(), features(*train, data_.train_view, number));
  }
  train_views_ = at::stack(views);
  const auto count = static_cast<std::int64_t>(data_.train_view.size());
  label_targets_ = torch::zeros({count, static_cast<std::int64_t>(labels_.size())});
  vote_targets_ = torch::zeros({count, static_cast<std::int64_t>(kVoteClasses)});
  for (std::int64_t row = 0; row < count; ++row) {
    const auto place = static_cast<std::size_t>(data_.train_view[static_cast<std::size_t>(row)]);
    const int label = data_.train->samples[place].labels.front();
    const std::int64_t own = vote_class_[static_cast<std::size_t>(label)];
    label_targets_[row][label] = 1;
    const auto& votes = train_votes_[place];
    const bool voted = *std::max_element(votes.begin(), votes.end()) > 0;
    auto* to = vote_targets_.data_ptr<float>() + row * static_cast<std::int64_t>(kVoteClasses);
    std::copy(votes.begin(), votes.end(), to);
    if (!voted && own >= 0) to[own] = 1;
  }
  return {};
}

}  // namespace mien::methods
