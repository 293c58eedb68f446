#pragma once

#include <cstdint>
#include <vector>

#include "mien/core/options.h"
#include "mien/core/rng.h"

namespace mien::methods {

/// Which sequences are put together from pictures; the shares are relative to each other.
struct SequenceOptions {
  double steady = 1;       ///< one expression from the first frame to the last
  double onset = 2;        ///< neutral, then an expression that grows and stays
  double pulse = 1;        ///< neutral, an expression that comes and goes, neutral
  double neutral = 1;      ///< neutral throughout, perhaps with a trace of an expression
  double interrupted = 1;  ///< an expression, for a short while another one
  double glitch = 0.15;    ///< probability that one frame shows any picture at all
  double faint = 0.3;      ///< an expression that never gets stronger counts as neutral

  void register_options(OptionSet& set);
};

/// One frame: (1 - share) of picture `from` plus `share` of picture `to`.
struct SequenceFrame {
  std::int64_t from = 0;
  std::int64_t to = 0;
  float share = 0;
};

struct Sequence {
  std::vector<SequenceFrame> frames;
  int label = 0;
  std::vector<char> shows;  ///< frames that show what the label says; at least one
};

/// Pictures by class, as indices into any table. `neutral` is the class that sequences start from.
struct SequencePictures {
  std::vector<std::vector<std::int64_t>> of_class;
  int neutral = 0;
};

/// A random sequence. All classes are equally likely. Precondition: length >= 3; every class that
/// has pictures may be drawn, and neutral and one other have some.
Sequence draw_sequence(const SequencePictures& pictures, int length, const SequenceOptions& options,
                       Rng& rng);

}  // namespace mien::methods
