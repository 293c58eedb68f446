#pragma once

// Tables of names and values, and the words for models from mien/engine/describe.h.

#include <string>
#include <utility>
#include <vector>

#include "engine/describe.h"
#include "mien/core/json.h"

namespace mien::cli {

using engine::all_texts;
using engine::count_text;
using engine::dtypes_json;
using engine::dtypes_text;
using engine::labels_text;
using engine::Parameters;
using engine::size_text;

/// Rows of "  name   value", printed safely.
using Rows = std::vector<std::pair<std::string, std::string>>;
std::string rows_text(const Rows& rows);

Json string_array(const std::vector<std::string>& values);

}  // namespace mien::cli
