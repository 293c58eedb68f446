#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "cli/cli.h"
#include "report/table.h"
#include "report/text.h"

namespace mien::cli {
namespace {

using Clock = std::chrono::steady_clock;

// Several Progress objects may be alive (inputs, and frames of one input), but share one line.
bool line_is_shown = false;

}  // namespace

Progress::Progress(std::string what, std::int64_t total)
    : what_(std::move(what)), total_(total), begin_(Clock::now()), shown_(begin_) {}

void Progress::update(std::int64_t done, const std::function<std::string()>& latest) {
  const auto now = Clock::now();
  if (!is_terminal(stderr) || now - shown_ < std::chrono::milliseconds(200) ||
      now - begin_ < std::chrono::milliseconds(500)) {
    return;
  }
  shown_ = now;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  const double rate = static_cast<double>(done) / seconds;
  std::string line = fmt::format("{} {}", done, what_);
  if (total_ > 0) {
    const std::int64_t left = std::max<std::int64_t>(total_ - done, 0);
    line = fmt::format(
        "{}/{} {}, {:.0f} %", done, std::max(total_, done), what_,
        100.0 * static_cast<double>(done) / static_cast<double>(std::max(total_, done)));
    if (rate > 0) {
      line += fmt::format(", {} left", report::clock_text(static_cast<double>(left) / rate));
    }
  }
  line += fmt::format(", {:.1f}/s", rate);
  if (latest) line = total_ > 0 ? line + "  " + latest() : latest();
  std::fprintf(stderr, "\r\033[K%s",
               report::shorten(line, terminal_width(stderr) - 1, locale_is_utf8()).c_str());
  std::fflush(stderr);
  line_is_shown = true;
}

void Progress::finish() { clear_line(); }

void Progress::clear_line() {
  if (!line_is_shown) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  line_is_shown = false;
}

}  // namespace mien::cli
