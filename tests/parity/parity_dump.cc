// Writes what a bundle's towers make of fixed random pixels and tokens, for tests/parity/run.py:
//   parity_dump BUNDLE OUT.safetensors fp32|bf16

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <span>
#include <string_view>

#include "checkpoint/safetensors.h"
#include "mien/core/rng.h"
#include "mien/engine/bundle.h"
#include "mien/engine/clip_reader.h"
#include "mien/kernels/cpu.h"

namespace mien {
namespace {

constexpr int kPictures = 3;  // odd, so that no kernel gets by with whole groups
constexpr int kTexts = 5;
constexpr int kFrames = 41;

Tensor random_pixels(int side, Rng& rng) {
  Tensor out(DType::kF32, {kPictures, 3, side, side});
  for (float& v : out.f32()) v = static_cast<float>(rng.normal());
  return out;
}

// Start token, some random ids, end token, zeros: from the shortest possible text to a full row.
std::vector<std::vector<std::int32_t>> random_rows(const engine::TextTower& tower, Rng& rng) {
  const int context = context_of(tower), vocabulary = vocabulary_of(tower);
  std::vector<std::vector<std::int32_t>> out;
  for (int t = 0; t < kTexts; ++t) {
    std::vector<std::int32_t> row(static_cast<std::size_t>(context), 0);
    const int ids = (context - 2) * t / (kTexts - 1);
    row[0] = vocabulary - 2;
    for (int i = 1; i <= ids; ++i) {
      const double u = std::clamp(0.5 + 0.2 * rng.normal(), 0.0, 1.0);
      row[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(u * (vocabulary - 3));
    }
    row[static_cast<std::size_t>(ids) + 1] = vocabulary - 1;
    out.push_back(std::move(row));
  }
  return out;
}

Tensor as_tensor(const std::vector<std::vector<std::int32_t>>& rows) {
  const std::size_t width = rows.front().size() * sizeof(std::int32_t);
  Tensor out(DType::kI32, {kTexts, static_cast<std::int64_t>(rows.front().size())});
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::memcpy(out.mutable_bytes().data() + r * width, rows[r].data(), width);
  }
  return out;
}

// The embedding of a clip with these frame embeddings, by the bundle's own rule.
Status read_clip(const engine::Bundle& bundle, std::span<const float> rows, std::span<float> out,
                 engine::Session& session) {
  MIEN_ASSIGN_OR_RETURN(const auto reader, engine::ClipReader::make(bundle));
  MIEN_ASSIGN_OR_RETURN(const auto plan,
                        reader.plan(static_cast<std::int64_t>(rows.size() / out.size())));
  std::vector<float> chosen;
  for (const std::int64_t frame : plan.frames) {
    const auto row = rows.subspan(static_cast<std::size_t>(frame) * out.size(), out.size());
    chosen.insert(chosen.end(), row.begin(), row.end());
  }
  MIEN_ASSIGN_OR_RETURN(const auto reading, reader.read(plan, chosen.data(), session));
  std::copy(reading.embedding.begin(), reading.embedding.end(), out.begin());
  return {};
}

Status dump_image(const engine::ImageEncoder& image, const Tensor& pixels,
                  const char* destination) {
  Tensor out(DType::kF32, {kPictures, image.embed()});
  engine::Session session;
  MIEN_RETURN_IF_ERROR(image.encode(pixels.f32().data(), kPictures, out.f32().data(), session));
  return checkpoint::write_safetensors(destination,
                                       {{"pixels", pixels}, {"image_embeddings", out}});
}

Status dump(const char* path, const char* destination, bool bf16) {
  engine::BundleOptions options;
  options.precision = bf16 ? engine::PrecisionChoice::kBf16 : engine::PrecisionChoice::kF32;
  MIEN_ASSIGN_OR_RETURN(const auto bundle, engine::Bundle::load(path, options));
  MIEN_RETURN_IF_ERROR(bundle->verify_hashes());
  MIEN_ASSIGN_OR_RETURN(const auto image, bundle->image_encoder());
  Rng rng(20240229);
  const Tensor pixels = random_pixels(image->image_size(), rng);
  if (!bundle->has_text_tower()) return dump_image(*image, pixels, destination);
  MIEN_ASSIGN_OR_RETURN(const auto text, bundle->text_encoder());
  const auto rows = random_rows(*bundle->info().architecture.text, rng);
  const Tensor tokens = as_tensor(rows);
  Tensor image_out(DType::kF32, {kPictures, image->embed()});
  Tensor text_out(DType::kF32, {kTexts, text->embed()});
  engine::Session session;
  MIEN_RETURN_IF_ERROR(
      image->encode(pixels.f32().data(), kPictures, image_out.f32().data(), session));
  MIEN_RETURN_IF_ERROR(text->encode(rows, text_out.f32().data(), session));
  checkpoint::NamedTensors out = {{"pixels", pixels},
                                  {"tokens", tokens},
                                  {"image_embeddings", image_out},
                                  {"text_embeddings", text_out}};
  // One clip of random frames that wraps and is reflected, and the first picture as a clip.
  Tensor frames(DType::kF32, {kFrames, image->embed()});
  for (float& v : frames.f32()) v = static_cast<float>(rng.normal());
  Tensor clips(DType::kF32, {2, image->embed()});
  if (bundle->info().architecture.temporal) {
    const auto width = static_cast<std::size_t>(image->embed());
    MIEN_RETURN_IF_ERROR(read_clip(*bundle, frames.f32(), clips.f32().first(width), session));
    MIEN_RETURN_IF_ERROR(
        read_clip(*bundle, image_out.f32().first(width), clips.f32().subspan(width), session));
    out.emplace_back("frames", frames);
    out.emplace_back("clip_embeddings", clips);
  }
  return checkpoint::write_safetensors(destination, out);
}

}  // namespace
}  // namespace mien

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: parity_dump BUNDLE OUT.safetensors fp32|bf16\n", stderr);
    return 2;
  }
  mien::kernels::set_threads(0);
  const mien::Status status = mien::dump(argv[1], argv[2], std::string_view(argv[3]) == "bf16");
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}
