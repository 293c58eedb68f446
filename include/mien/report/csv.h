#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mien/pipeline/result.h"

namespace mien::report {

/// One cell of user text: RFC 4180 quoting when needed, ill-formed UTF-8 and NUL as U+FFFD, and an
/// apostrophe in front of text that a spreadsheet would take for a formula (= + - @ tab, return).
std::string csv_text(std::string_view text);

/// Columns that not every table has.
struct CsvExtras {
  bool changes = false;  ///< against the face's baseline
  bool clock = false;    ///< wall time, for clips whose FrameResult::clock is known
};

/// Results as a table with one row per face per frame (docs/reference/outputs.md). A frame without
/// a face has one row with success 0. Lines end with "\n". Threads: const member functions are safe
/// from several threads.
class FaceCsv {
 public:
  /// `labels`: the label set in the user's order; one p_ and one c_ column each. A repeated label
  /// counts once. `targets`: of a regression, one v_ column each after these.
  /// With CsvExtras::changes one d_ column per label follows, then `cut_short`, and with
  /// CsvExtras::clock `clock`.
  explicit FaceCsv(const std::vector<std::string>& labels,
                   const std::vector<std::string>& targets = {}, const CsvExtras& extras = {});

  /// The first line.
  std::string header() const;
  /// The lines of one picture or frame. Scores of labels outside the set are left out.
  /// `cut_short`: the last frame of a clip that ends before its header says it does.
  std::string rows(const pipeline::FrameResult& frame, bool cut_short = false) const;

 private:
  std::string row(const pipeline::FrameResult& frame, std::size_t index) const;
  std::string end_cells(const pipeline::FrameResult& frame, bool cut_short) const;
  std::vector<std::string> labels_;
  std::vector<std::string> targets_;
  std::unordered_map<std::string, std::size_t> column_;
  CsvExtras extras_;
};

}  // namespace mien::report
