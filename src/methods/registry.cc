#include "mien/methods/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "methods/arpl/options.h"
#include "methods/cliper/options.h"
#include "methods/compact/image_options.h"
#include "methods/compact/options.h"
#include "methods/compact/pool_options.h"
#include "methods/coop/options.h"
#include "methods/dfer_clip/options.h"
#include "methods/e2n/options.h"
#include "methods/emoclip/options.h"
#include "methods/exp_clip/options.h"
#include "methods/face_detector/options.h"
#include "methods/hesp/options.h"

namespace mien::methods {
namespace {

struct MethodRow {
  std::string_view name;
  std::unique_ptr<MethodRecipe> (*make)();
};

constexpr MethodRow kMethods[] = {
    {"emoclip", emoclip_recipe},
    {"cliper", cliper_recipe},
    {"compact", compact_recipe},
    {"compact-image", compact_image_recipe},
    {"temporal-pool", temporal_pool_recipe},
    {"dfer-clip", dfer_clip_recipe},
    {"exp-clip", exp_clip_recipe},
    {"e2n", e2n_recipe},
    {"hesp", hesp_recipe},
    {"arpl", arpl_recipe},
    {"coop", coop_recipe},
    {"face-detector", face_detector_recipe},
};

}  // namespace

Status MethodContext::validating(std::int64_t done, std::int64_t total) const {
  if (progress) progress("validation samples", done, total);
  const bool stopped = cancel != nullptr && *cancel;
  return stopped ? cancelled("validation: cancelled") : Status();
}

std::vector<std::string_view> method_names() {
  std::vector<std::string_view> out;
  for (const MethodRow& row : kMethods) out.push_back(row.name);
  return out;
}

Result<std::unique_ptr<MethodRecipe>> make_recipe(std::string_view method) {
  const auto row = std::find_if(std::begin(kMethods), std::end(kMethods),
                                [&](const MethodRow& item) { return item.name == method; });
  if (row == std::end(kMethods)) {
    return not_found(fmt::format("method '{}': unknown (expected one of {})", method,
                                 fmt::join(method_names(), ", ")));
  }
  return row->make();
}

}  // namespace mien::methods
