#include "convert/features.h"

#include <algorithm>
#include <cmath>

#include "engine/describe.h"
#include "kernels/ops.h"
#include "mien/engine/encoders.h"

namespace mien::convert {
namespace {

constexpr std::size_t kTextBatch = 32;

}  // namespace

bool is_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

Result<Tensor> embed_rows(std::shared_ptr<const checkpoint::Checkpoint> weights,
                          const engine::Architecture& architecture,
                          const std::vector<std::vector<std::int32_t>>& rows) {
  MIEN_ASSIGN_OR_RETURN(
      const auto encoder,
      engine::TextEncoder::load(std::move(weights), architecture, kernels::Precision::kF32));
  const auto embed = static_cast<std::size_t>(encoder->embed());
  Tensor out(DType::kF32, {static_cast<std::int64_t>(rows.size()), encoder->embed()});
  engine::Session session;
  for (std::size_t done = 0; done < rows.size(); done += kTextBatch) {
    const std::size_t count = std::min(kTextBatch, rows.size() - done);
    MIEN_RETURN_IF_ERROR(encoder->encode(std::span(rows).subspan(done, count),
                                         out.f32().data() + done * embed, session));
  }
  if (!is_finite(out.f32())) {
    return corrupt("checkpoint: the text tower gives numbers that are not finite");
  }
  kernels::l2_normalize_rows(out.f32().data(), out.dim(0), out.dim(1));
  return out;
}

Result<Tensor> label_features(std::shared_ptr<const checkpoint::Checkpoint> weights,
                              const engine::Architecture& architecture,
                              const text::Tokenizer& tokenizer,
                              const std::vector<text::Label>& labels) {
  std::vector<std::vector<std::int32_t>> rows;
  for (const std::string& text : engine::all_texts(labels)) {
    MIEN_ASSIGN_OR_RETURN(auto ids, tokenizer.encode_padded(text, context_of(*architecture.text)));
    rows.push_back(std::move(ids));
  }
  return embed_rows(std::move(weights), architecture, rows);
}

}  // namespace mien::convert
