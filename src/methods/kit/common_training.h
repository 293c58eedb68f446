#pragma once

#include <string>
#include <string_view>

#include "mien/core/options.h"
#include "mien/core/status.h"

namespace mien::methods {

/// Options that most methods have. A method's struct derives from this, sets its own defaults, and
/// registers each group where it belongs. Keep the order of existing options: a run is resumed only
/// if its recipe prints the same as before.
struct CommonTraining {
  std::string init = {};  ///< bundle that the towers come from
  int epochs = 1;
  int batch = 1;
  int frames = 1;               ///< per clip
  std::string select = "last";  ///< epoch that is kept: last, or the best by a figure
  double accept = 0.95;         ///< share of the calibration samples that are not unknown
  std::string name = {};        ///< of the bundle
  std::string licence = {};     ///< of the bundle

  /// Errors: kInvalidArgument naming `group`.init when no bundle to start from is given.
  Status check_init(std::string_view group) const;

 protected:
  void add_init(OptionSet& set);
  /// Epochs, batch and frames; `samples` is what a batch consists of, for the help.
  void add_length(OptionSet& set, std::string_view samples);
  /// Last, war and uar; `first`: one more figure that an epoch may be chosen by.
  void add_select(OptionSet& set, std::string_view first = {});
  /// `part`: the samples that calibrate, for the help.
  void add_accept(OptionSet& set, std::string_view part = "validation part");
  void add_bundle(OptionSet& set);
};

}  // namespace mien::methods
