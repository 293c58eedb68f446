#include "mien/methods/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "methods/arpl/options.h"
#include "methods/cliper/options.h"
#include "methods/compact/image_options.h"
#include "methods/compact/options.h"
#include "methods/compact/pool_options.h"
#include "methods/dfer_clip/options.h"
#include "methods/e2n/options.h"
#include "methods/emoclip/options.h"
#include "methods/exp_clip/options.h"
#include "methods/hesp/options.h"

namespace mien::methods {
namespace {

struct MethodRow {
  std::string_view name;
  std::unique_ptr<MethodRecipe> (*make)();
};

template <class Recipe>
std::unique_ptr<MethodRecipe> make_of() {
  return std::make_unique<Recipe>();
}

constexpr std::array<MethodRow, 10> kMethods = {{{"emoclip", make_of<EmoclipRecipe>},
                                                 {"cliper", make_of<CliperRecipe>},
                                                 {"compact", make_of<CompactRecipe>},
                                                 {"compact-image", make_of<CompactImageRecipe>},
                                                 {"temporal-pool", make_of<TemporalPoolRecipe>},
                                                 {"dfer-clip", make_of<DferClipRecipe>},
                                                 {"exp-clip", make_of<ExpClipRecipe>},
                                                 {"e2n", make_of<E2nRecipe>},
                                                 {"hesp", make_of<HespRecipe>},
                                                 {"arpl", make_of<ArplRecipe>}}};

}  // namespace

Status MethodContext::validating(std::int64_t done, std::int64_t total) const {
  if (progress) progress("validation samples", done, total);
  const bool stopped = cancel != nullptr && *cancel;
  return stopped ? cancelled("validation: stopped") : Status();
}

std::vector<std::string_view> method_names() {
  std::vector<std::string_view> out;
  for (const MethodRow& row : kMethods) out.push_back(row.name);
  return out;
}

Result<std::unique_ptr<MethodRecipe>> make_recipe(std::string_view method) {
  const auto row = std::find_if(kMethods.begin(), kMethods.end(),
                                [&](const MethodRow& item) { return item.name == method; });
  if (row == kMethods.end()) {
    return not_found(fmt::format("method '{}': is not known (expected one of {})", method,
                                 fmt::join(method_names(), ", ")));
  }
  return row->make();
}

}  // namespace mien::methods
