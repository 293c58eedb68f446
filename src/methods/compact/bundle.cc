// The compact model: options, what it starts from, its bundle.
#include "methods/compact/options.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "methods/compact/train.h"
#include "methods/kit/below_data.h"
#include "methods/kit/labelled.h"
#include "methods/kit/tower_options.h"
#include "methods/kit/unknown_rule.h"
#include "mien/checkpoint/safetensors.h"
#include "mien/core/file.h"
#include "mien/data/loader.h"
#include "mien/metrics/calibration.h"
#include "mien/nn/load.h"
#include "mien/text/prompts.h"

namespace mien::methods {
namespace {

constexpr std::int64_t kPictureBatch = 128;
// FER2013 frames a face so much wider than our detector does (median over 235 smiling faces: 0.05).
constexpr float kCropMargin = 0.08F;
constexpr std::uint64_t kMostWordBytes = 64U << 20;
constexpr std::string_view kCompactCard = R"(# {name}

A small vision-language model for faces, trained by `mien train` (method compact): a residual network on grey
crops, and a text tower over whole words with an open vocabulary.

- Training data: {data}, {samples} samples. The weights inherit the terms of this data.
- Labels: {labels}; any others in plain English words.

mien describes how a face looks, not what a person feels. Inferring emotions at work and in education is
prohibited in the EU; results differ between groups of people.
)";

// Matrices as F16, vectors as F32.
Tensor narrowed(const torch::Tensor& tensor) {
  const torch::Tensor values = tensor.detach().to(torch::kFloat32).contiguous();
  const std::span<const float> from(values.data_ptr<float>(),
                                    static_cast<std::size_t>(values.numel()));
  const Shape shape(values.sizes().begin(), values.sizes().end());
  if (values.dim() < 2) return Tensor::from_f32(shape, from);
  Tensor out(DType::kF16, shape);
  auto* to = reinterpret_cast<std::uint16_t*>(out.mutable_bytes().data());
  std::transform(from.begin(), from.end(), to, float_to_half);
  return out;
}

// Rows as int8 with one factor each.
std::pair<Tensor, Tensor> quantised(const torch::Tensor& table) {
  const torch::Tensor rows = table.detach().to(torch::kFloat32).contiguous();
  const auto count = static_cast<std::size_t>(rows.size(0));
  const auto width = static_cast<std::size_t>(rows.size(1));
  Tensor values(DType::kI8, {rows.size(0), rows.size(1)});
  Tensor scale(DType::kF32, {rows.size(0)});
  auto* to = reinterpret_cast<std::int8_t*>(values.mutable_bytes().data());
  const float* from = rows.data_ptr<float>();
  for (std::size_t r = 0; r < count; ++r) {
    float most = 0;
    for (std::size_t i = 0; i < width; ++i) most = std::max(most, std::abs(from[r * width + i]));
    const float factor = most / 127;
    scale.f32()[r] = factor;
    for (std::size_t i = 0; i < width; ++i) {
      const float value = factor > 0 ? from[r * width + i] / factor : 0.0F;
      to[r * width + i] = static_cast<std::int8_t>(std::lround(value));
    }
  }
  return {std::move(values), std::move(scale)};
}

}  // namespace

Result<std::unique_ptr<Method>> CompactMethod::make(const CompactRecipe& recipe,
                                                    const MethodContext& context) {
  std::unique_ptr<CompactMethod> out(new CompactMethod(recipe, context));
  MIEN_RETURN_IF_ERROR(out->prepare());
  return std::unique_ptr<Method>(std::move(out));
}

std::filesystem::path CompactMethod::below_data(const std::string& name) const {
  return methods::below_data(context_.data, name);
}

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
    MIEN_RETURN_IF_ERROR(recipe_.tower.validate());
    architecture_ = recipe_.tower.architecture();
    preprocess_ = compact_preprocess(recipe_.tower.image_size);
  } else {
    MIEN_ASSIGN_OR_RETURN(bundle, engine::Bundle::load(below_data(recipe_.model.image)));
    architecture_ = bundle->info().architecture;
    preprocess_ = bundle->info().preprocess;
    if (!architecture_.image.residual || !architecture_.image.residual->projection) {
      return unsupported(recipe_.model.image +
                         ": is no residual image tower with a projection (expected a bundle of "
                         "compact-image)");
    }
  }
  tower_ = nn::ResidualTower(residual_options(architecture_));
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
  const std::filesystem::path folder = below_data(recipe_.model.words);
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
  torch::Tensor bytes = torch::empty({table->dim(0), table->dim(1)}, torch::kInt8);
  std::memcpy(bytes.data_ptr(), table->bytes().data(), table->bytes().size());
  const nn::WordTowerOptions sizes = {.context = recipe_.model.context,
                                      .words = static_cast<int>(table->dim(0)),
                                      .buckets = tokenizer_->buckets(),
                                      .word_width = static_cast<int>(table->dim(1)),
                                      .width = recipe_.model.width,
                                      .layers = recipe_.model.layers,
                                      .heads = recipe_.model.heads,
                                      .mlp = 4 * recipe_.model.width,
                                      .embed = architecture_.embed};
  architecture_.text = engine::TextTower{.context = sizes.context,
                                         .word_width = sizes.word_width,
                                         .vocabulary = tokenizer_->vocabulary_size(),
                                         .width = sizes.width,
                                         .layers = sizes.layers,
                                         .heads = sizes.heads,
                                         .mlp = sizes.mlp};
  MIEN_RETURN_IF_ERROR(architecture_.validate("model"));
  words_ = nn::WordTower(sizes, bytes.to(torch::kFloat32) * factors.unsqueeze(1));
  const bool random = recipe_.model.text.empty();
  const std::filesystem::path text = below_data(recipe_.model.text);
  if (!random && std::filesystem::exists(text / "bundle.json")) {
    MIEN_RETURN_IF_ERROR(text_from_bundle(text));
  } else if (!random) {
    const auto file = text / "best.safetensors";
    MIEN_ASSIGN_OR_RETURN(const auto run, checkpoint::open_safetensors(file));
    MIEN_RETURN_IF_ERROR(
        nn::load_by_name(words_->published(), *run, {.prefix = "model/words.", .strict = true})
            .with_prefix(file.string()));
  }
  MIEN_ASSIGN_OR_RETURN(auto synsets, data::load_wordnet(below_data(recipe_.model.wordnet)));
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
    torch::Tensor bytes = torch::empty({table->dim(0), table->dim(1)}, torch::kInt8);
    std::memcpy(bytes.data_ptr(), table->bytes().data(), table->bytes().size());
    const std::int64_t first = table->dim(0) - to.size(0);
    to.copy_((bytes.to(torch::kFloat32) * scale.unsqueeze(1)).narrow(0, first, to.size(0)));
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
  if (known_.left_out_vote >= 0) {
    for (auto& shares : train_votes_) {
      forget(shares, static_cast<std::size_t>(known_.left_out_vote));
    }
  }
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

int CompactMethod::majority_of(std::size_t place) const {
  const auto& votes = val_votes_[place];
  if (*std::max_element(votes.begin(), votes.end()) == 0) {
    return data_.val->samples[place].labels.front();
  }
  for (std::size_t c = 0; c < vote_class_.size(); ++c) {
    if (vote_class_[c] >= 0 && votes[static_cast<std::size_t>(vote_class_[c])] > 0.5F) {
      return static_cast<int>(c);
    }
  }
  return -1;
}

Status CompactMethod::calibrate(engine::BundleInfo& info) {
  if (recipe_.training.epochs == 0 || data_.val_view.empty()) return {};
  MIEN_RETURN_IF_ERROR(prepare_val_features());
  const torch::Tensor scaled =
      (info.logit_scale * at::matmul(project(val_features_), class_rows(own_labels_).t()))
          .to(torch::kFloat64)
          .contiguous();
  const std::span<const double> logits(scaled.data_ptr<double>(),
                                       static_cast<std::size_t>(scaled.numel()));
  std::vector<int> truths;
  std::vector<double> counted;
  for (std::size_t i = 0; i < data_.val_view.size(); ++i) {
    const int truth = majority_of(static_cast<std::size_t>(data_.val_view[i]));
    if (truth < 0) continue;
    truths.push_back(truth);
    const auto row = logits.subspan(i * labels_.size(), labels_.size());
    counted.insert(counted.end(), row.begin(), row.end());
  }
  MIEN_ASSIGN_OR_RETURN(info.temperature,
                        metrics::fit_temperature(counted, labels_.size(), truths));
  MIEN_RETURN_IF_ERROR(fit_unknown_rule(scaled, recipe_.training.accept, info));
  Json calibration = Json::object();
  calibration.set("data", data_.val->name);
  calibration.set("samples", truths.size());
  calibration.set("truth", "label of most annotators, else of the data set");
  calibration.set("accept", recipe_.training.accept);
  info.provenance.set("calibration", std::move(calibration));
  return {};
}

Status CompactMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  engine::BundleContent content;
  engine::BundleInfo& info = content.info;
  info.name = recipe_.training.name;
  info.method = "compact";
  info.architecture = architecture_;
  info.preprocess = preprocess_;
  info.crop.margin = kCropMargin;
  info.labels = own_labels_;
  info.logit_scale = tau_.exp().item<double>();
  info.licence = recipe_.training.licence;
  info.provenance = context_.provenance;
  MIEN_RETURN_IF_ERROR(calibrate(info));
  info.provenance.set("training_data", data_.train->name);
  info.provenance.set("training_samples", data_.train_view.size());
  if (!recipe_.data.leave_out.empty()) info.provenance.set("left_out", recipe_.data.leave_out);
  std::vector<std::pair<std::string, Tensor>> owned;
  for (const auto& [name, tensor] : tower_->published()) {
    owned.emplace_back("visual." + name, narrowed(tensor));
  }
  for (const auto& [name, tensor] : words_->published()) {
    if (name != "buckets") owned.emplace_back("words." + name, narrowed(tensor));
  }
  auto [table, scale] = quantised(words_->whole_table());
  owned.emplace_back("words.table", std::move(table));
  owned.emplace_back("words.scale", std::move(scale));
  std::vector<torch::Tensor> rows;
  for (const text::Label& label : own_labels_) rows.push_back(encode(label.texts));
  owned.emplace_back(engine::Bundle::kLabelFeatures, Tensor());
  const torch::Tensor features = at::cat(rows).contiguous();
  owned.back().second = Tensor::from_f32(
      {features.size(0), features.size(1)},
      std::span(features.data_ptr<float>(), static_cast<std::size_t>(features.numel())));
  for (const auto& [name, tensor] : owned) content.tensors.emplace_back(name, tensor.view());
  content.tokenizer = tokenizer_->file_text();
  content.card = fmt::format(kCompactCard, fmt::arg("name", info.name),
                             fmt::arg("labels", fmt::join(data_.train->classes, ", ")),
                             fmt::arg("data", data_.train->name),
                             fmt::arg("samples", data_.train_view.size()));
  return engine::write_bundle(path, std::move(content), overwrite);
}

void CompactModelOptions::register_options(OptionSet& set) {
  set.add("image", image, "Bundle with a residual tower; empty: a random one of `tower`");
  set.add("text", text,
          "Folder of an earlier run, or a bundle, whose text tower starts; empty: random");
  set.add("words", words, "Folder with words.txt and words.safetensors");
  set.add("wordnet", wordnet, "Folder with WordNet's data files");
  set.add("context", context, "Words of a text at most", {1, 1000});
  set.add("width", width, "Of the text tower", {16, 4096});
  set.add("layers", layers, "Of the text tower", {1, 64});
  set.add("heads", heads, "Of the text tower", {1, 64});
}

void GlossTraining::register_options(OptionSet& set) {
  set.add("epochs", epochs, "Epochs; 0: none", {0, 1e6});
  set.add("batch", batch, "Pairs per step", {2, 65536});
  set.add("longest", longest, "Words of a gloss that are read", {1, 1000});
  set.add("held_out", held_out, "Share of the senses that only test", {0, 0.5});
  set.add("topics", topics, "Share of a batch about feelings", {0, 1});
  set.add("adjectives", adjectives, "Share of a batch that are adjectives", {0, 1});
  set.add("spelling", spelling, "Probability that a word becomes its trigrams", {0, 1});
  set.add("synonyms", synonyms, "Share of pairs of two words", {0, 1});
}

void CompactTraining::register_options(OptionSet& set) {
  set.add("epochs", epochs, "Epochs against captions and class texts; 0: none", {0, 1e6});
  set.add("batch", batch, "Pictures per step", {2, 65536});
  set.add("views", views, "Copies of each picture, all but the first augmented", {1, 64});
  set.add("label_share", label_share,
          "Of the loss of descriptions against labels; the rest is of prompts against votes",
          {0, 1});
  set.add("smoothing", smoothing, "Of the target", {0, 0.99});
  set.add("caption_weight", caption_weight, "Of the loss against captions", {0, 100});
  set.add("geometry_weight", geometry_weight,
          "Of the loss against sentences on the shape of the face (geo_* columns)", {0, 100});
  set.add("gloss_weight", gloss_weight, "Of the loss of words against glosses", {0, 100});
  set.add("image_lr_factor", image_lr_factor,
          "Rate of the projection of the image tower; 0: frozen", {0, 100});
  set.add("prototype_weight", prototype_weight,
          "Class texts against the prototypes of the image bundle", {0, 100});
  set.add("text_lr_factor", text_lr_factor, "Rate of the text tower", {1e-9, 100});
  set.add("balance", balance, "Classes are drawn by count^(1 - balance)", {0, 1});
  set.group("augment", augment);
  set.add("accept", accept, "Share of the validation part that is not unknown", {0.5, 1});
  set.add("name", name, "Of the bundle");
  set.add("licence", licence, "Of the bundle");
}

void CompactRecipe::register_options(OptionSet& set) {
  set.group("data", data);
  set.group("tower", tower);
  set.group("model", model);
  set.group("gloss", gloss);
  set.group("compact", training);
}

Result<std::unique_ptr<Method>> CompactRecipe::make(const MethodContext& context) const {
  return CompactMethod::make(*this, context);
}

}  // namespace mien::methods
