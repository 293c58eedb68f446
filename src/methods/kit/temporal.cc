#include "methods/kit/temporal.h"

#include "nn/load.h"

namespace mien::methods {

nn::TemporalTransformer make_temporal(const engine::TemporalTransformerSizes& sizes) {
  return nn::TemporalTransformer(nn::TemporalOptions{.width = sizes.width,
                                                     .layers = sizes.layers,
                                                     .heads = sizes.heads,
                                                     .head_width = sizes.head_width,
                                                     .mlp = sizes.mlp,
                                                     .positions = sizes.positions});
}

Status load_temporal(const nn::TemporalTransformerImpl& model,
                     const engine::TemporalTransformerSizes& sizes, const engine::Bundle& bundle,
                     const std::string& subject, const LogSink& log) {
  const auto& given = bundle.info().architecture.temporal;
  if (!given) return {};
  if (*given == engine::TemporalTower(sizes)) {
    return nn::load_by_name(prefixed("temporal.", nn::named_parameters(model)), bundle.weights(),
                            {.strict = false})
        .with_prefix(subject);
  }
  log_to(log, LogLevel::kWarning,
         subject +
             ": its temporal model has other sizes than this recipe's, which starts from "
             "random weights");
  return {};
}

}  // namespace mien::methods
