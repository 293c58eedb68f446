#pragma once

#include <string>

#include "methods/kit/named_tensors.h"
#include "mien/core/log.h"
#include "mien/engine/bundle.h"
#include "nn/temporal.h"

namespace mien::methods {

/// A temporal model with random weights.
nn::TemporalTransformer make_temporal(const engine::TemporalTransformerSizes& sizes);
/// Takes the weights of the bundle's temporal model, if it has one of these sizes; one of other
/// sizes is told of as that of `subject`. Errors: those of nn::load_by_name.
Status load_temporal(const nn::TemporalTransformerImpl& model,
                     const engine::TemporalTransformerSizes& sizes, const engine::Bundle& bundle,
                     const std::string& subject, const LogSink& log);

}  // namespace mien::methods
