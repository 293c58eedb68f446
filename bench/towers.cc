#include "towers.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "core/file.h"
#include "engine/describe.h"
#include "mien/engine/bundle.h"
#include "mien/engine/label_scorer.h"
#include "mien/kernels/cpu.h"
#include "text/tokenizer.h"

namespace mien::bench {
namespace {

constexpr std::uint64_t kMaxPixelBytes = std::uint64_t{1} << 30;

Result<std::vector<float>> read_floats(const std::filesystem::path& path) {
  MIEN_ASSIGN_OR_RETURN(const auto bytes, read_file(path, kMaxPixelBytes));
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

/// Different texts of the length that descriptions have.
std::vector<std::string> make_texts(int count) {
  constexpr std::array<std::string_view, 7> kWords = {"happy",     "sad",     "angry", "afraid",
                                                      "disgusted", "neutral", "amazed"};
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) {
    const auto word = kWords[static_cast<std::size_t>(i) % kWords.size()];
    texts.push_back("a photo of the face of person " + std::to_string(i / 7) + " who looks " +
                    std::string(word) + " on the street");
  }
  return texts;
}

/// Writes values as they lie in memory.
template <typename T>
Status write_values(std::filesystem::path file, const std::string& suffix,
                    std::span<const T> values) {
  file += suffix;
  return write_file_atomically(file,
                               {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

Json facts_of(const engine::Bundle& bundle, const std::string& precision, int threads) {
  Json facts = Json::object();
  facts.set("contender", "mien " + precision);
  facts.set("model", bundle.info().name);
  facts.set("precision", precision);
  facts.set("threads", threads);
  return facts;
}

Status time_images(const engine::Bundle& bundle, const std::string& precision,
                   const TowerOptions& options, const Plan& plan, std::span<const float> pixels) {
  const engine::Architecture& sizes = bundle.info().architecture;
  const std::size_t picture = 3U * static_cast<std::size_t>(sizes.image_size()) *
                              static_cast<std::size_t>(sizes.image_size());
  MIEN_ASSIGN_OR_RETURN(const auto encoder, bundle.image_encoder());
  for (const int threads : options.threads) {
    kernels::set_threads(threads);
    for (const int batch : options.batches) {
      const auto count = static_cast<std::size_t>(batch);
      if (pixels.size() < count * picture) {
        return invalid_argument(options.pixels.string() + ": too few pixels for a batch of " +
                                std::to_string(batch));
      }
      engine::Session session;
      std::vector<float> out(count * static_cast<std::size_t>(sizes.embed));
      MIEN_ASSIGN_OR_RETURN(const auto samples, measure(plan, [&] {
                              return encoder->encode(pixels.data(), batch, out.data(), session);
                            }));
      Json facts = facts_of(bundle, precision, threads);
      facts.set("group", "image");
      facts.set("batch", batch);
      facts.set("flops", engine::image_operations(sizes.image, sizes.embed) * batch);
      report(std::move(facts), samples);
      if (options.embeddings.empty()) continue;
      MIEN_RETURN_IF_ERROR(write_values<float>(
          options.embeddings, "-" + precision + "-b" + std::to_string(batch).append(".f32"), out));
    }
  }
  return {};
}

Status time_texts(const engine::Bundle& bundle, const std::string& precision,
                  const TowerOptions& options, const Plan& plan) {
  for (const int threads : options.threads) {
    kernels::set_threads(threads);
    for (const int count : options.texts) {
      const std::vector<std::string> texts = make_texts(count);
      engine::Session session;
      // Held, so that the tower is packed once and not in every repeat.
      MIEN_ASSIGN_OR_RETURN(const auto encoder, bundle.text_encoder());
      Tensor rows;
      MIEN_ASSIGN_OR_RETURN(const auto samples, measure(plan, [&]() -> Status {
                              MIEN_ASSIGN_OR_RETURN(rows,
                                                    engine::encode_texts(bundle, texts, session));
                              return {};
                            }));
      Json facts = facts_of(bundle, precision, threads);
      facts.set("group", "text");
      facts.set("batch", count);
      report(std::move(facts), samples);
      if (options.embeddings.empty()) continue;
      MIEN_RETURN_IF_ERROR(write_values<float>(
          options.embeddings, "-" + precision + "-t" + std::to_string(count).append(".f32"),
          rows.f32()));
    }
  }
  return {};
}

}  // namespace

Status write_tokens(const std::filesystem::path& bundle, const std::filesystem::path& out,
                    const std::vector<int>& counts) {
  MIEN_ASSIGN_OR_RETURN(const auto loaded, engine::Bundle::load(bundle));
  MIEN_ASSIGN_OR_RETURN(const auto tokenizer, loaded->tokenizer());
  const auto& text = loaded->info().architecture.text;
  if (!text) return invalid_argument(bundle.string() + ": has no text tower");
  std::vector<std::vector<std::int32_t>> rows;
  std::size_t longest = 0;
  for (const std::string& line : make_texts(*std::max_element(counts.begin(), counts.end()))) {
    MIEN_ASSIGN_OR_RETURN(auto ids, tokenizer->encode_padded(line, context_of(*text)));
    const auto end = std::max_element(ids.begin(), ids.end()) - ids.begin();
    longest = std::max(longest, static_cast<std::size_t>(end) + 1);
    rows.push_back(std::move(ids));
  }
  for (const int count : counts) {
    std::vector<std::int32_t> values;
    for (int i = 0; i < count; ++i) {
      const auto& row = rows[static_cast<std::size_t>(i)];
      values.insert(values.end(), row.begin(), row.begin() + static_cast<std::ptrdiff_t>(longest));
    }
    MIEN_RETURN_IF_ERROR(
        write_values<std::int32_t>(out, "-" + std::to_string(count).append(".i32"), values));
  }
  std::puts(Json(Json::Object{{"length", longest}}).dump().c_str());
  return {};
}

Status run_towers(const TowerOptions& options, const Plan& plan) {
  MIEN_ASSIGN_OR_RETURN(const auto pixels, read_floats(options.pixels));
  for (const std::string& precision : options.precisions) {
    if (precision == "bf16" && !kernels::has_fast_bf16()) continue;
    engine::BundleOptions choice;
    choice.many_pictures = true;
    const auto found = engine::find_precision(precision);
    if (!found) return invalid_argument("--precisions: '" + precision + "' is unknown");
    choice.precision = *found;
    MIEN_ASSIGN_OR_RETURN(const auto bundle, engine::Bundle::load(options.bundle, choice));
    MIEN_RETURN_IF_ERROR(time_images(*bundle, precision, options, plan, pixels));
    if (!bundle->has_text_tower()) continue;
    MIEN_RETURN_IF_ERROR(time_texts(*bundle, precision, options, plan));
  }
  return {};
}

}  // namespace mien::bench
