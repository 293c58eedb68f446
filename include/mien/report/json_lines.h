#pragma once

#include <string>
#include <string_view>

#include "mien/core/json.h"
#include "mien/core/status.h"
#include "mien/pipeline/result.h"

namespace mien::report {

/// JSON lines (docs/reference/outputs.md, docs/schemas/): one object per line, distinguished by
/// "kind". Units: pixels to 0.1, probabilities and cosines to 4 digits, seconds to 6. A number that
/// is not finite becomes null.

/// "kind": "image" for a picture, "frame" for one analysed frame of a clip.
Json to_json(const pipeline::FrameResult& frame);
/// "kind": "track".
Json to_json(const pipeline::TrackResult& track);
/// "kind": "summary".
Json to_json(const pipeline::SummaryResult& summary);
/// "kind": "error": `input` failed with `status`. Precondition: !status.ok().
Json error_to_json(std::string_view input, const Status& status);

/// One line of output with its line end.
std::string json_line(const Json& value);

}  // namespace mien::report
