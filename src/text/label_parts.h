#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/status.h"
#include "mien/text/labels.h"

namespace mien::text {

inline constexpr std::uint64_t kMaxNameBytes = 1000;
inline constexpr std::uint64_t kMaxDescriptionBytes = 10'000;
inline constexpr std::uint64_t kMaxLabelFileBytes = std::uint64_t{512} << 10;
inline constexpr std::size_t kMaxParts = 16;

/// `text` without ASCII white space at both ends.
std::string_view trim(std::string_view text);

/// Checks that a name is not empty, well-formed UTF-8, without control characters and not too long.
Status check_name(std::string_view name, const Limits& limits);

/// `text` on one line: runs of white space become one space. Errors: as check_name, with the limit
/// for texts.
Result<std::string> clean_description(std::string_view text, const Limits& limits);

/// Splits "a+b" at its plus signs; a single part when there is none. Errors: kInvalidArgument for
/// an empty or duplicate part or more than kMaxParts.
Result<std::vector<std::string>> split_compound(std::string_view name);
Status check_parts(const std::vector<std::string>& parts);

/// A label from its parts; a single part is the label itself.
Label make_label(const std::vector<std::string>& parts);

}  // namespace mien::text
