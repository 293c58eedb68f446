#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/rng.h"
#include "mien/core/status.h"
#include "mien/data/manifest.h"

namespace mien::data {

/// A view of a manifest: indices into its `samples`, in an order. Indices may repeat.
using View = std::vector<std::int64_t>;

struct TwoViews {
  View train;
  View test;
};

/// All samples in their order.
View all_of(const Manifest& manifest);
/// The samples of `view` whose split is `split`.
View of_split(const Manifest& manifest, const View& view, std::string_view split);
/// Training samples that do not carry the class; test samples that do. A compound sample carries
/// each of its labels. Source: EmoCLIP's leave-one-class-out protocol.
/// Errors: kNotFound when the class is unknown, kInvalidArgument when no sample has it.
Result<TwoViews> leave_class_out(const Manifest& manifest, const View& train, const View& test,
                                 std::string_view name);

/// `folds` parts of about equal size such that no subject is in two of them; subjects in random
/// order, each into the smallest part. Samples without a subject count as one subject each.
/// Errors: kInvalidArgument for folds < 2 or fewer subjects than folds.
Result<std::vector<View>> subject_folds(const Manifest& manifest, const View& view, int folds,
                                        std::uint64_t seed);
/// Part `fold` (from 0) of `folds` by subject, and the rest: the parts that data.folds and
/// data.fold of a recipe mean. They do not depend on the seed of a run. Errors: those of
/// subject_folds; kInvalidArgument for a fold that does not exist.
Result<TwoViews> subject_part(const Manifest& manifest, const View& view, int folds, int fold);
/// Fold `k` is the test part, the others train. Precondition: k is a fold.
TwoViews hold_out(const std::vector<View>& folds, std::size_t k);

/// Every class as often as the most frequent one: all of its samples, then random ones of them
/// again. Unlabelled samples stay once; a compound sample counts for its first label.
View balanced(const Manifest& manifest, const View& view, Rng& rng);
/// As many indices as `view`, with classes drawn by count^(1 - power): 0 changes nothing, 1
/// gives every class the same share. Each sample comes as often as its class's factor says, with a
/// random draw for the fraction. A compound sample counts for its first label.
View tempered(const Manifest& manifest, const View& view, double power, Rng& rng);
/// The samples of a view as a manifest of their own.
Manifest only(Manifest manifest, const View& view);
/// Every set of labels becomes a class of its own: the existing classes, then the compounds that
/// occur (`anger+disgust`, parts in the order of the classes), sorted by their parts.
Manifest compound_classes(Manifest manifest);
/// Random order.
View shuffled(View view, Rng& rng);

}  // namespace mien::data
