#pragma once

#include <string>

#include "mien/report/evaluation.h"
#include "report/html.h"

namespace mien::report {

/// A page on an evaluation, up to the table of facts; page_foot() ends it.
std::string facts_head(const Facts& facts);

}  // namespace mien::report
