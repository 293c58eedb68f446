#pragma once

// The page of `eval --report`.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "cli/eval_notes.h"
#include "eval/groups.h"
#include "mien/data/manifest.h"
#include "mien/engine/bundle.h"
#include "mien/eval/run.h"
#include "report/evaluation.h"

namespace mien::cli {

struct EvalPageOptions {
  std::string file;
  bool with_images = false;
  int mistakes = 24;  ///< to list
};
void add_eval_page_options(CLI::App& verb, EvalPageOptions& options);
/// Errors: kInvalidArgument for options that need a page.
Status check_page_options(const EvalPageOptions& options);

/// Facts at the top of the page of one bundle: command, bundle, data, their hashes, protocol, what
/// was left out, how faces were found, program.
report::Facts eval_facts(const Context& context, const engine::Bundle& bundle,
                         const data::Manifest& manifest, const std::string& part,
                         const std::string& protocol, const std::string& left_out,
                         const DataNotes& notes);

/// Writes the text of `page` to `file`; does nothing if `file` is empty. Errors: kIo.
Status write_page(const std::string& file, const std::function<std::string()>& page);

Status write_eval_page(const EvalPageOptions& options, const data::Manifest& manifest,
                       const eval::RunResult& result, const eval::ClosedSetReport& report,
                       const std::optional<eval::GroupReport>& groups, report::Facts facts);

}  // namespace mien::cli
