#pragma once

#include <string>
#include <string_view>

#include "mien/report/evaluation.h"

namespace mien::report {

/// Text from outside for a page.
std::string escape(std::string_view text);

/// A page without scripts, light and dark: from the start to the table of facts.
std::string page_head(const Facts& facts);
/// Its end, with the notice on responsible use.
std::string page_foot(std::string_view notice);

}  // namespace mien::report
