#include "mien/engine/bundle.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/bundle_folder.h"
#include "engine/label_json.h"
#include "engine/stored_precision.h"
#include "engine/towers/table.h"
#include "mien/kernels/cpu.h"
#include "text/tokenizer.h"

namespace mien::engine {
namespace {

namespace fs = std::filesystem;

// check_tensors, with the stored label features and the reference as more allowed tensors.
class WithoutExtras final : public checkpoint::Checkpoint {
 public:
  WithoutExtras(const checkpoint::Checkpoint& all, bool reference)
      : all_(all), tensors_(all.tensors()) {
    tensors_.erase(Bundle::kLabelFeatures);
    if (!reference) return;
    tensors_.erase(Reference::kFaces);
    tensors_.erase(Reference::kBasis);
  }
  const std::map<std::string, TensorView, std::less<>>& tensors() const override {
    return tensors_;
  }
  const std::map<std::string, std::string>& metadata() const override { return all_.metadata(); }
  std::string_view format() const override { return all_.format(); }
  void release(const TensorView& part) const override { all_.release(part); }

 private:
  const checkpoint::Checkpoint& all_;
  std::map<std::string, TensorView, std::less<>> tensors_;
};

Status check_features(const TensorView& features, const BundleInfo& info,
                      std::string_view subject) {
  std::vector<std::string> texts;
  for (const text::Label& label : info.labels) append_texts(label, texts);
  const Shape expected = {static_cast<std::int64_t>(texts.size()), info.architecture.embed};
  if (features.dtype() != DType::kF32 || features.shape() != expected) {
    return corrupt(fmt::format("{}: '{}' is {} {} (expected F32 {})", subject,
                               Bundle::kLabelFeatures, mien::to_string(features.dtype()),
                               mien::to_string(features.shape()), mien::to_string(expected)));
  }
  return {};
}

// Weights are stored as I8 only where that was measured to be good enough (mien export), so kAuto
// takes it from there alone.
kernels::Precision choose(PrecisionChoice choice, const checkpoint::Checkpoint& weights) {
  if (choice == PrecisionChoice::kF32) return kernels::Precision::kF32;
  if (choice == PrecisionChoice::kBf16) {
    // oneDNN and our own kernels have bf16 layers for AVX-512 only.
    return kernels::active_isa() == kernels::Isa::kAvx512 ? kernels::Precision::kBf16
                                                          : kernels::Precision::kF32;
  }
  if (choice == PrecisionChoice::kInt8) return kernels::Precision::kInt8;
  const auto& tensors = weights.tensors();
  const bool stored_int8 = std::any_of(tensors.begin(), tensors.end(), [](const auto& item) {
    return item.second.dtype() == DType::kI8 && takes_int8(item.first);
  });
  if (stored_int8) return kernels::Precision::kInt8;
  return kernels::has_fast_bf16() ? kernels::Precision::kBf16 : kernels::Precision::kF32;
}

}  // namespace

Result<std::shared_ptr<const Bundle>> Bundle::load(const fs::path& path,
                                                   const BundleOptions& options) {
  MIEN_ASSIGN_OR_RETURN(const auto files, BundleFolder::open(path, options.limits));
  const std::shared_ptr<Bundle> bundle(new Bundle());
  bundle->path_ = path;
  bundle->limits_ = options.limits;
  MIEN_ASSIGN_OR_RETURN(const std::string info, files->text(kInfoFile, kMaxInfoBytes));
  MIEN_ASSIGN_OR_RETURN(bundle->info_,
                        BundleInfo::parse(info, (path / kInfoFile).string(), options.limits));
  MIEN_ASSIGN_OR_RETURN(bundle->weights_, files->weights(options.limits));
  bundle->files_ = files;
  const std::string weights_subject = (path / kWeightsFile).string();
  if (const TensorView* features = bundle->label_features()) {
    MIEN_RETURN_IF_ERROR(check_features(*features, bundle->info_, weights_subject));
  } else if (!bundle->info_.learned.empty()) {
    return corrupt(fmt::format("{}: has no '{}' (expected the embeddings of its learned texts)",
                               weights_subject, kLabelFeatures));
  }
  const std::optional<ReferenceInfo>& reference = bundle->info_.reference;
  MIEN_ASSIGN_OR_RETURN(bundle->reference_,
                        Reference::load(*bundle->weights_, reference ? &*reference : nullptr,
                                        bundle->info_.architecture.embed, weights_subject));
  MIEN_RETURN_IF_ERROR(check_tensors(WithoutExtras(*bundle->weights_, reference.has_value()),
                                     bundle->info_.architecture, weights_subject));
  bundle->precision_ = choose(options.precision, *bundle->weights_);
  bundle->many_pictures_ = options.many_pictures;
  bundle->views_ = options.views;
  return std::shared_ptr<const Bundle>(bundle);
}

kernels::Precision Bundle::image_precision() const {
  const bool takes_int8 =
      with_kind(info_.architecture.image,
                [](const auto& kind, const auto& /*sizes*/) { return kind.takes_int8 != nullptr; });
  return takes_int8 ? precision_ : without_int8(precision_);
}

Result<std::string> Bundle::tokenizer_text() const {
  return files_->text(kTokenizerFile, limits_.max_header_bytes);
}

Result<std::string> Bundle::card() const { return files_->text(kCardFile, kMaxInfoBytes); }

Result<std::shared_ptr<const ImageEncoder>> Bundle::image_encoder() const {
  const std::lock_guard lock(mutex_);
  if (!image_) {
    MIEN_ASSIGN_OR_RETURN(
        image_, ImageEncoder::load(
                    *weights_, info_.architecture,
                    {.precision = precision_, .many_pictures = many_pictures_, .views = views_}));
  }
  return image_;
}

Result<std::shared_ptr<const TemporalEncoder>> Bundle::temporal_encoder() const {
  if (!info_.architecture.temporal) return std::shared_ptr<const TemporalEncoder>();
  const std::lock_guard lock(temporal_mutex_);
  if (!temporal_) {
    MIEN_ASSIGN_OR_RETURN(temporal_,
                          TemporalEncoder::load(*weights_, info_.architecture, precision_));
  }
  return temporal_;
}

Result<std::shared_ptr<const Regressor>> Bundle::regressor() const {
  if (!info_.architecture.regression) return std::shared_ptr<const Regressor>();
  const std::lock_guard lock(temporal_mutex_);
  if (!regressor_) {
    MIEN_ASSIGN_OR_RETURN(regressor_, Regressor::load(*weights_, info_.architecture));
  }
  return regressor_;
}

Result<std::shared_ptr<const TextEncoder>> Bundle::text_encoder() const {
  if (!has_text_tower()) {
    return unsupported(
        fmt::format("{}: has no text tower, so it knows only its own labels (expected a bundle "
                    "with one for free-text labels)",
                    path_.string()));
  }
  const std::lock_guard lock(text_mutex_);
  if (auto held = text_.lock()) return held;
  MIEN_ASSIGN_OR_RETURN(auto made, TextEncoder::load(weights_, info_.architecture, precision_));
  text_ = made;
  return made;
}

Result<std::shared_ptr<const text::Tokenizer>> Bundle::tokenizer() const {
  const std::lock_guard lock(mutex_);
  if (tokenizer_) return tokenizer_;
  MIEN_ASSIGN_OR_RETURN(const std::string file, tokenizer_text());
  const auto& tower = info_.architecture.text;
  const TextTower kind_of_file = tower.value_or(TextTower());
  auto made = with_kind(kind_of_file, [&](const auto& kind, const auto& /*sizes*/) {
    return kind.parse_tokenizer(file, limits_);
  });
  if (!made.ok()) return made.status().with_prefix((path_ / kTokenizerFile).string());
  const int expected = tower ? vocabulary_of(*tower) : 0;
  if (expected != (*made)->vocabulary_size()) {
    return corrupt(fmt::format("{}: has {} tokens (expected {})", (path_ / kTokenizerFile).string(),
                               (*made)->vocabulary_size(), expected));
  }
  tokenizer_ = *made;
  return tokenizer_;
}

Status Bundle::verify_hashes() const { return files_->verify(info_.files); }

}  // namespace mien::engine
