#include <fmt/format.h>

#include "engine/towers/table.h"

namespace mien::engine {

TextEncoder::TextEncoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TextEncoder::~TextEncoder() = default;

Result<std::shared_ptr<const TextEncoder>> TextEncoder::load(
    std::shared_ptr<const checkpoint::Checkpoint> weights, const Architecture& architecture,
    kernels::Precision precision) {
  MIEN_CHECK(architecture.text.has_value());
  MIEN_ASSIGN_OR_RETURN(auto impl,
                        with_kind(*architecture.text, [&](const auto& kind, const auto& sizes) {
                          return kind.load(*weights, sizes, precision);
                        }));
  impl->context = context_of(*architecture.text);
  impl->vocabulary = vocabulary_of(*architecture.text);
  impl->embed = architecture.embed;
  impl->weights = std::move(weights);
  return std::shared_ptr<const TextEncoder>(new TextEncoder(std::move(impl)));
}

int TextEncoder::context() const { return impl_->context; }
int TextEncoder::embed() const { return static_cast<int>(impl_->embed); }

Status TextEncoder::encode(std::span<const std::vector<std::int32_t>> rows, float* out,
                           Session& session) const {
  for (std::size_t n = 0; n < rows.size(); ++n) {
    if (rows[n].size() != static_cast<std::size_t>(impl_->context)) {
      return invalid_argument(fmt::format("tokens: row {} has {} ids (expected {})", n,
                                          rows[n].size(), impl_->context));
    }
    for (const std::int32_t id : rows[n]) {
      if (id < 0 || id >= impl_->vocabulary) {
        return invalid_argument(fmt::format(
            "tokens: id {} in row {} is outside the vocabulary of {}", id, n, impl_->vocabulary));
      }
    }
  }
  return rows.empty() ? Status() : impl_->encode(rows, out, session.impl());
}

}  // namespace mien::engine
