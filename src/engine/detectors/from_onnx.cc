// YuNet's graph as the network of a detector bundle. Names of the weights differ between exports,
// so that the layers are found by the way a picture takes through them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "checkpoint/onnx.h"
#include "engine/detectors/pyramid.h"
#include "mien/engine/detector.h"

namespace mien::engine {
namespace {

using checkpoint::OnnxGraph;
using checkpoint::OnnxNode;

struct Pair {
  TensorView weight, bias;
};
struct Separable {
  Pair point, depth;
  std::string out;  // the value behind it, and behind its relu
};

constexpr std::array<const char*, 4> kHeads = {"cls", "obj", "bbox", "kps"};
constexpr std::array<std::int64_t, 4> kHeadWidths = {1, 1, 4, 10};
constexpr std::size_t kMostSteps = 1000;  // of one way: a graph may have a loop

class Walker {
 public:
  Walker(const OnnxGraph& graph, std::string_view subject) : graph_(graph), subject_(subject) {
    for (const OnnxNode& node : graph.nodes) {
      for (const std::string& input : node.inputs) users_[input].push_back(&node);
    }
  }

  Status wrong(std::string_view what) const {
    return unsupported(fmt::format("{}: {} (expected the graph of a YuNet face detector, float32)",
                                   subject_, what));
  }

  /// Who reads a value: the operation `op`, or nullptr.
  const OnnxNode* user(const std::string& value, std::string_view op) const {
    const auto it = users_.find(value);
    if (it == users_.end()) return nullptr;
    const auto found = std::find_if(it->second.begin(), it->second.end(),
                                    [&](const OnnxNode* node) { return node->op == op; });
    return found == it->second.end() ? nullptr : *found;
  }
  std::vector<const OnnxNode*> users(const std::string& value, std::string_view op) const {
    std::vector<const OnnxNode*> out;
    const auto it = users_.find(value);
    if (it == users_.end()) return out;
    std::copy_if(it->second.begin(), it->second.end(), std::back_inserter(out),
                 [&](const OnnxNode* node) { return node->op == op; });
    return out;
  }

  Result<Pair> pair_of(const OnnxNode& node) const {
    if (node.inputs.size() != 3 || node.outputs.size() != 1)
      return wrong("a convolution without a bias");
    const auto weight = graph_.weights.find(node.inputs[1]),
               bias = graph_.weights.find(node.inputs[2]);
    if (weight == graph_.weights.end() || bias == graph_.weights.end() ||
        weight->second.rank() != 4 || bias->second.rank() != 1 || weight->second.size() == 0 ||
        bias->second.dim(0) != weight->second.dim(0)) {
      return wrong("a convolution whose weights do not lie in the file");
    }
    return Pair{weight->second, bias->second};
  }

  /// Whether a convolution keeps the size of its map: stride 1, padding by half its kernel, no
  /// dilation.
  static bool keeps_size(const OnnxNode& node, std::int64_t kernel) {
    const auto all = [&](const char* key, std::int64_t value, bool needed) {
      const auto it = node.integers.find(key);
      if (it == node.integers.end()) return !needed;
      return std::all_of(it->second.begin(), it->second.end(),
                         [&](std::int64_t v) { return v == value; });
    };
    return all("strides", 1, false) && all("dilations", 1, false) &&
           all("pads", kernel / 2, kernel > 1);
  }

  /// The separable layer that begins with `node`.
  Result<Separable> separable(const OnnxNode& node) const {
    Separable out;
    MIEN_ASSIGN_OR_RETURN(out.point, pair_of(node));
    const OnnxNode* depth = user(node.outputs[0], "Conv");
    if (out.point.weight.dim(2) != 1 || out.point.weight.dim(3) != 1 || depth == nullptr ||
        !keeps_size(node, 1)) {
      return wrong("a convolution that is not followed by one channel by channel");
    }
    MIEN_ASSIGN_OR_RETURN(out.depth, pair_of(*depth));
    const Shape expected = {out.point.weight.dim(0), 1, 3, 3};
    const auto group = depth->integers.find("group");
    const std::int64_t groups =
        group == depth->integers.end() || group->second.empty() ? 1 : group->second[0];
    if (out.depth.weight.shape() != expected || groups != expected[0] || !keeps_size(*depth, 3)) {
      return wrong("a convolution that is not 3 x 3, channel by channel");
    }
    out.out = depth->outputs[0];
    if (const OnnxNode* relu = user(out.out, "Relu");
        relu != nullptr && relu->outputs.size() == 1) {
      out.out = relu->outputs[0];
    }
    return out;
  }

  /// The output of the graph that a value becomes by operations that only move numbers, and by a
  /// sigmoid.
  std::optional<std::string> output_of(std::string value) const {
    for (std::size_t steps = 0; steps < kMostSteps; ++steps) {
      if (std::find(graph_.outputs.begin(), graph_.outputs.end(), value) != graph_.outputs.end())
        return value;
      const OnnxNode* next = nullptr;
      for (const char* op : {"Transpose", "Reshape", "Sigmoid"}) {
        if (next == nullptr) next = user(value, op);
      }
      if (next == nullptr || next->outputs.size() != 1) return std::nullopt;
      value = next->outputs[0];
    }
    return std::nullopt;
  }

 private:
  const OnnxGraph& graph_;
  std::string_view subject_;
  std::map<std::string, std::vector<const OnnxNode*>> users_;
};

// What was found, by the names of our tensors.
struct Found {
  PyramidSizes sizes;
  std::vector<std::pair<std::string, TensorView>> tensors;
  std::vector<Tensor> owned;  // of the answers, which are four heads in the graph

  void add(const std::string& name, const Separable& layer) {
    tensors.emplace_back(name + ".point.weight", layer.point.weight);
    tensors.emplace_back(name + ".point.bias", layer.point.bias);
    tensors.emplace_back(name + ".depth.weight", layer.depth.weight);
    tensors.emplace_back(name + ".depth.bias", layer.depth.bias);
  }
};

// The first convolution, with its relu; the value behind it.
Result<std::string> find_stem(const Walker& walk, const OnnxGraph& graph, Found& found) {
  if (graph.inputs.size() != 1) return walk.wrong(fmt::format("{} inputs", graph.inputs.size()));
  const OnnxNode* stem = walk.user(graph.inputs[0], "Conv");
  if (stem == nullptr) return walk.wrong("the picture is not read by a convolution");
  MIEN_ASSIGN_OR_RETURN(const Pair pair, walk.pair_of(*stem));
  const auto strides = stem->integers.find("strides");
  const auto pads = stem->integers.find("pads");
  const OnnxNode* relu = walk.user(stem->outputs[0], "Relu");
  const bool fits =
      pair.weight.dim(1) == 3 && pair.weight.dim(2) == 3 && pair.weight.dim(3) == 3 &&
      strides != stem->integers.end() && strides->second == std::vector<std::int64_t>{2, 2} &&
      pads != stem->integers.end() && pads->second == std::vector<std::int64_t>(4, 1) &&
      relu != nullptr && relu->outputs.size() == 1;
  if (!fits) return walk.wrong("the first convolution is not 3 x 3 with stride 2");
  found.sizes.stem_width = static_cast<int>(pair.weight.dim(0));
  found.tensors.emplace_back("stem.weight", pair.weight);
  found.tensors.emplace_back("stem.bias", pair.bias);
  return relu->outputs[0];
}

// The layers from the stem on; the maps at whose ends a stage is halved or the backbone ends.
Result<std::vector<std::string>> find_stages(const Walker& walk, std::string value, Found& found) {
  std::vector<std::string> ends;
  found.sizes.stages.push_back({.halve = false, .widths = {}});
  for (std::size_t steps = 0; steps < kMostSteps; ++steps) {
    if (const OnnxNode* pool = walk.user(value, "MaxPool")) {
      const auto kernel = pool->integers.find("kernel_shape"),
                 strides = pool->integers.find("strides");
      const std::vector<std::int64_t> two = {2, 2};
      if (kernel == pool->integers.end() || kernel->second != two ||
          strides == pool->integers.end() || strides->second != two || pool->outputs.size() != 1) {
        return walk.wrong("a pooling that is not 2 x 2");
      }
      ends.push_back(value);
      found.sizes.stages.push_back({.halve = true, .widths = {}});
      value = pool->outputs[0];
    }
    const OnnxNode* conv = walk.user(value, "Conv");
    if (conv == nullptr) return walk.wrong("a way that ends within the backbone");
    MIEN_ASSIGN_OR_RETURN(const Separable layer, walk.separable(*conv));
    // The layer behind the backbone is the first of the pyramid: what it makes is enlarged.
    if (walk.user(layer.out, "Resize") != nullptr || walk.user(layer.out, "Upsample") != nullptr) {
      ends.push_back(value);
      return ends;
    }
    auto& widths = found.sizes.stages.back().widths;
    found.add(fmt::format("stages.{}.{}", found.sizes.stages.size() - 1, widths.size()), layer);
    widths.push_back(static_cast<int>(layer.point.weight.dim(0)));
    value = layer.out;
  }
  return walk.wrong("a graph without an end");
}

// Four heads as one layer of 16 outputs.
Status add_answers(const Walker& walk, const std::string& value, int level, int stride,
                   Found& found) {
  std::map<std::string, Separable> heads;
  for (const OnnxNode* conv : walk.users(value, "Conv")) {
    MIEN_ASSIGN_OR_RETURN(const Separable head, walk.separable(*conv));
    if (const auto name = walk.output_of(head.out)) heads.emplace(*name, head);
  }
  std::array<std::vector<float>, 4> parts;
  std::int64_t width = 0;
  for (std::size_t h = 0; h < kHeads.size(); ++h) {
    const std::string name = fmt::format("{}_{}", kHeads[h], stride);
    const auto it = heads.find(name);
    if (it == heads.end() || it->second.point.weight.dim(0) != kHeadWidths[h]) {
      return walk.wrong(fmt::format("no output '{}' of {} channels", name, kHeadWidths[h]));
    }
    width = it->second.point.weight.dim(1);
    const std::array<const TensorView*, 4> views = {
        &it->second.point.weight, &it->second.point.bias, &it->second.depth.weight,
        &it->second.depth.bias};
    for (std::size_t v = 0; v < views.size(); ++v) {
      std::vector<float> values(views[v]->size());
      MIEN_RETURN_IF_ERROR(copy_to_f32(*views[v], values));
      parts[v].insert(parts[v].end(), values.begin(), values.end());
    }
  }
  const std::array<std::pair<const char*, Shape>, 4> named = {
      {{"point.weight", {kAnswers, width, 1, 1}},
       {"point.bias", {kAnswers}},
       {"depth.weight", {kAnswers, 1, 3, 3}},
       {"depth.bias", {kAnswers}}}};
  for (std::size_t v = 0; v < named.size(); ++v) {
    found.owned.push_back(Tensor::from_f32(named[v].second, parts[v]));
    found.tensors.emplace_back(fmt::format("answers.{}.{}", level, named[v].first),
                               found.owned.back().view());
  }
  return {};
}

// The levels, from the coarsest to the finest.
Status find_levels(const Walker& walk, const std::vector<std::string>& ends, Found& found) {
  std::vector<std::string> merged;
  std::string value = ends.back();
  const auto stages = static_cast<int>(ends.size());
  std::vector<Separable> laterals;
  for (int s = stages; s-- > 0;) {
    const OnnxNode* conv = walk.user(value, "Conv");
    if (conv == nullptr) break;
    MIEN_ASSIGN_OR_RETURN(Separable lateral, walk.separable(*conv));
    merged.push_back(lateral.out);
    laterals.push_back(std::move(lateral));
    const OnnxNode* resize = walk.user(merged.back(), "Resize");
    if (resize == nullptr) resize = walk.user(merged.back(), "Upsample");
    if (resize == nullptr || resize->outputs.size() != 1) break;
    const OnnxNode* add = walk.user(resize->outputs[0], "Add");
    const bool finer = s > 0 && add != nullptr && add->outputs.size() == 1 &&
                       std::find(add->inputs.begin(), add->inputs.end(),
                                 ends[static_cast<std::size_t>(s) - 1]) != add->inputs.end();
    if (!finer) return walk.wrong("a level of the pyramid that is not added to the next");
    value = add->outputs[0];
  }
  found.sizes.levels = static_cast<int>(laterals.size());
  if (found.sizes.levels == 0) return walk.wrong("no pyramid");
  for (int l = 0; l < found.sizes.levels; ++l) {
    const auto at = static_cast<std::size_t>(found.sizes.levels - 1 - l);
    found.add(fmt::format("lateral.{}", l), laterals[at]);
  }
  for (int l = 0; l < found.sizes.levels; ++l) {
    std::string here = merged[static_cast<std::size_t>(found.sizes.levels - 1 - l)];
    int shared = 0;
    while (walk.users(here, "Conv").size() == 1 && shared < 8) {
      MIEN_ASSIGN_OR_RETURN(const Separable layer, walk.separable(*walk.user(here, "Conv")));
      found.add(fmt::format("shared.{}.{}", l, shared++), layer);
      here = layer.out;
    }
    if (l > 0 && shared != found.sizes.shared) return walk.wrong("levels of unequal depth");
    found.sizes.shared = shared;
    MIEN_RETURN_IF_ERROR(add_answers(walk, here, l, found.sizes.stride(l), found));
  }
  return {};
}

}  // namespace

Result<ConvertedDetector> detector_from_onnx(const std::filesystem::path& path,
                                             const Limits& limits) {
  ConvertedDetector out;
  const std::string subject = path.string();
  MIEN_ASSIGN_OR_RETURN(const auto file, checkpoint::open_onnx(path, limits));
  const Walker walk(file.graph, subject);
  Found found;
  MIEN_ASSIGN_OR_RETURN(const std::string first, find_stem(walk, file.graph, found));
  MIEN_ASSIGN_OR_RETURN(const auto ends, find_stages(walk, first, found));
  MIEN_RETURN_IF_ERROR(find_levels(walk, ends, found));
  // The sizes of a file are checked like those of a bundle before anything is made of them.
  MIEN_ASSIGN_OR_RETURN(out.content.info.sizes,
                        PyramidSizes::parse(found.sizes.to_json(), subject));
  std::map<std::string, TensorView> by_name(found.tensors.begin(), found.tensors.end());
  for (const auto& [name, shape] : detector_tensors(out.content.info.sizes)) {
    const auto it = by_name.find(name);
    if (it == by_name.end() || it->second.shape() != shape) {
      return walk.wrong(fmt::format("no layer of the size of '{}'", name));
    }
    out.content.tensors.emplace_back(name, it->second);
  }
  out.content.info.name = path.stem().string();
  out.content.info.threshold = 0.6;
  out.content.info.smallest_face = 12;
  out.owned = std::move(found.owned);
  out.file = file.bytes;
  return out;
}

}  // namespace mien::engine
