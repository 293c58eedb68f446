#pragma once

#include "data/views.h"
#include "methods/kit/training_data.h"
#include "mien/core/status.h"
#include "mien/data/manifest.h"

namespace mien::methods {

/// Drops samples without exactly one class: they have no single right answer.
void keep_labelled(const data::Manifest& manifest, data::View& view);
/// keep_labelled for both parts. Errors: kInvalidArgument when nothing is left to train with, or
/// there are fewer than two classes.
Status keep_labelled(TrainingData& data);

}  // namespace mien::methods
