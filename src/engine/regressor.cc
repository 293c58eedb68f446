#include "mien/engine/regressor.h"

#include "engine/transformer.h"

namespace mien::engine {
namespace {

Result<kernels::Linear> pack(const checkpoint::Checkpoint& weights, const std::string& name,
                             kernels::Activation activation) {
  return kernels::Linear::pack(*weights.find(name + ".weight"), weights.find(name + ".bias"),
                               {.activation = activation});
}

}  // namespace

Result<std::shared_ptr<const Regressor>> Regressor::load(const checkpoint::Checkpoint& weights,
                                                         const Architecture& architecture) {
  MIEN_CHECK(architecture.regression.has_value());
  const std::shared_ptr<Regressor> out(new Regressor());
  out->head_ = *architecture.regression;
  const bool two = out->head_.hidden > 0;
  MIEN_ASSIGN_OR_RETURN(
      out->first_,
      pack(weights, "mlp.0", two ? kernels::Activation::kRelu : kernels::Activation::kNone));
  if (two) {
    MIEN_ASSIGN_OR_RETURN(out->second_, pack(weights, "mlp.2", kernels::Activation::kNone));
  }
  return std::shared_ptr<const Regressor>(out);
}

Status Regressor::predict(const float* clips, std::int64_t count, float* out,
                          Session& session) const {
  if (head_.hidden == 0) return first_.run(clips, count, out, session.impl().workspace);
  auto* hidden = session.impl().hidden.reserve_as<float>(static_cast<std::size_t>(count) *
                                                         static_cast<std::size_t>(head_.hidden));
  MIEN_RETURN_IF_ERROR(first_.run(clips, count, hidden, session.impl().workspace));
  return second_.run(hidden, count, out, session.impl().workspace);
}

}  // namespace mien::engine
