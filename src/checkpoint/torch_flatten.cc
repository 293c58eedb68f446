#include "checkpoint/torch_flatten.h"

#include <fmt/format.h>

#include <algorithm>

namespace mien::checkpoint {
namespace {

constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxNameBytes = 1024;
constexpr std::size_t kMaxSkipped = 100;

// Names that training scripts give to the map of the weights, preferred first.
constexpr std::string_view kWeights[] = {
    "state_dict", "model_state_dict", "model_state", "model", "net",       "network",
    "module",     "weights",          "params",      "ema",   "model_ema", "ema_state_dict",
};
constexpr std::string_view kTraining[] = {"optim", "opt_state", "scheduler", "scaler", "rng_state"};

bool is_training_state(std::string_view key) {
  return std::any_of(std::begin(kTraining), std::end(kTraining), [&](std::string_view word) {
    return key.find(word) != std::string_view::npos;
  });
}

class Namer {
 public:
  Namer(const PickleGraph& graph, bool script, std::string_view subject, const Limits& limits,
        std::vector<std::string>* skipped)
      : graph_(graph), script_(script), subject_(subject), limits_(limits), skipped_(skipped) {}

  Result<std::vector<std::pair<std::string, PickleId>>> run();

 private:
  // Keys stay ids: a hostile file may repeat one long key very often.
  struct Entry {
    PickleId key = kNoPickle;  // kNoPickle: `index` is the name
    std::size_t index = 0;
    PickleId value = kNoPickle;
  };
  struct Container {
    std::string name;
    PickleId id = kNoPickle;
    std::size_t depth = 0;
  };

  bool is_container(PickleId id) const;
  std::vector<Entry> entries(PickleId id) const;
  std::optional<std::string> key_of(const Entry& entry) const;
  Status mark_bearing();
  PickleId weights_map();
  Status walk(PickleId root);
  Status visit(const Container& container, std::vector<Container>& open);
  void skip(std::string_view path, std::string_view why);
  void skip_value(std::string_view path, PickleId id);
  Status nothing_found() const;
  Status shared_too_often(std::uint64_t most) const;

  const PickleGraph& graph_;
  const bool script_;
  const std::string_view subject_;
  const Limits& limits_;
  std::vector<std::string>* skipped_;
  std::vector<char> bears_;  // 1: contains a tensor
  std::vector<std::pair<std::string, PickleId>> found_;
  std::uint64_t visits_ = 0;  // entries visited
  std::uint64_t opened_ = 0;  // maps entered
};

void Namer::skip(std::string_view path, std::string_view why) {
  if (skipped_ == nullptr || script_ || skipped_->size() >= kMaxSkipped) return;
  skipped_->push_back(fmt::format("{}: {}", printable(path), why));
}

void Namer::skip_value(std::string_view path, PickleId id) {
  if (is_tensor(graph_, id)) return skip(path, "tensor beside the weights");
  if (is_container(id)) {
    if (bears_[id] != 0) skip(path, "tensors beside the weights");
    return;
  }
  if (is_plain(graph_, id)) return;
  const std::string name =
      graph_[id].kind == PickleKind::kGlobal ? global_name(graph_, id) : called_name(graph_, id);
  skip(path, name.empty() ? "object" : fmt::format("object of '{}'", name));
}

bool Namer::is_container(PickleId id) const {
  const PickleKind kind = graph_[id].kind;
  return kind == PickleKind::kDict || kind == PickleKind::kList || kind == PickleKind::kTuple ||
         called_name(graph_, id) == "collections.OrderedDict" ||
         (script_ && script_attributes(graph_, id) != kNoPickle);
}

// Precondition: is_container(id).
std::vector<Namer::Entry> Namer::entries(PickleId id) const {
  std::vector<Entry> out;
  if (script_ && script_attributes(graph_, id) != kNoPickle) id = script_attributes(graph_, id);
  if (const auto map = as_map(graph_, id)) {
    for (const auto& [key, value] : *map) out.push_back({key, 0, value});
    return out;
  }
  const std::vector<PickleId>& items = graph_[id].items;
  for (std::size_t i = 0; i < items.size(); ++i) out.push_back({kNoPickle, i, items[i]});
  return out;
}

std::optional<std::string> Namer::key_of(const Entry& entry) const {
  if (entry.key == kNoPickle) return std::to_string(entry.index);
  return key_text(graph_, entry.key);
}

// Marks every value from which a tensor can be reached, by spreading from the tensors to their
// containers, which also works with cycles.
Status Namer::mark_bearing() {
  const std::size_t count = graph_.nodes.size();
  bears_.assign(count, 0);
  // More pairs than items means that maps share one list of entries.
  std::size_t most = count;
  for (const PickleNode& node : graph_.nodes) most += node.items.size();
  std::vector<std::pair<PickleId, PickleId>> holders;  // (child, parent)
  std::vector<PickleId> open;
  for (PickleId id = 0; id < count; ++id) {
    if (is_tensor(graph_, id)) {
      bears_[id] = 1;
      open.push_back(id);
    } else if (script_ && script_attributes(graph_, id) != kNoPickle) {
      holders.emplace_back(script_attributes(graph_, id), id);
    } else if (const auto map = as_map(graph_, id)) {
      for (const auto& [key, value] : *map) holders.emplace_back(value, id);
    } else if (is_container(id)) {
      for (const PickleId item : graph_[id].items) holders.emplace_back(item, id);
    }
    if (holders.size() > most) return shared_too_often(most);
  }
  std::sort(holders.begin(), holders.end());
  while (!open.empty()) {
    const PickleId child = open.back();
    open.pop_back();
    for (auto it = std::lower_bound(holders.begin(), holders.end(), std::pair(child, PickleId{0}));
         it != holders.end() && it->first == child; ++it) {
      if (bears_[it->second] != 0) continue;
      bears_[it->second] = 1;
      open.push_back(it->second);
    }
  }
  return {};
}

// Enters the map that holds the weights, as long as there is exactly one candidate.
PickleId Namer::weights_map() {
  PickleId at = graph_.root;
  for (std::size_t depth = 0; depth < kMaxDepth; ++depth) {
    if (!as_map(graph_, at)) return at;
    const std::vector<Entry> all = entries(at);
    std::vector<const Entry*> maps;
    bool has_tensors = false;
    for (const Entry& entry : all) {
      has_tensors = has_tensors || is_tensor(graph_, entry.value);
      const bool bearing = as_map(graph_, entry.value).has_value() && bears_[entry.value] != 0;
      if (!bearing) continue;
      const auto key = key_of(entry);
      if (key && !is_training_state(*key)) maps.push_back(&entry);
    }
    const Entry* chosen = maps.size() == 1 && !has_tensors ? maps.front() : nullptr;
    for (const std::string_view name : kWeights) {
      if (chosen != nullptr) break;
      const auto named = std::find_if(maps.begin(), maps.end(),
                                      [&](const Entry* entry) { return key_of(*entry) == name; });
      if (named != maps.end()) chosen = *named;
    }
    if (chosen == nullptr) return at;
    for (const Entry& entry : all) {
      if (&entry != chosen) skip_value(key_of(entry).value_or("?"), entry.value);
    }
    at = chosen->value;
  }
  return at;
}

Status Namer::visit(const Container& container, std::vector<Container>& open) {
  if (container.depth > kMaxDepth) {
    return resource_limit(fmt::format("{}: '{}' is nested too deeply (expected at most {} levels)",
                                      subject_, printable(container.name), kMaxDepth));
  }
  for (const Entry& entry : entries(container.id)) {
    const std::uint64_t most = graph_.nodes.size() + limits_.max_tensors;
    if (++visits_ > most) return shared_too_often(most);
    const bool bearing = bears_[entry.value] != 0;
    const auto key = key_of(entry);
    if (!key) {
      if (bearing) skip(container.name, "entry whose key is not a short text");
      continue;
    }
    std::string name = container.name.empty() ? *key : container.name + "." + *key;
    const bool training = !script_ && is_container(entry.value) && is_training_state(name);
    if (!bearing || training) {
      skip_value(name, entry.value);
      continue;
    }
    if (name.size() > kMaxNameBytes) {
      return resource_limit(fmt::format("{}: tensor name is too long (expected at most {} bytes)",
                                        subject_, kMaxNameBytes));
    }
    if (!is_tensor(graph_, entry.value)) {
      if (++opened_ > limits_.max_tensors) return shared_too_often(limits_.max_tensors);
      open.push_back({std::move(name), entry.value, container.depth + 1});
      continue;
    }
    if (found_.size() >= limits_.max_tensors) {
      return resource_limit(
          fmt::format("{}: too many tensors (expected at most {})", subject_, limits_.max_tensors));
    }
    found_.emplace_back(std::move(name), entry.value);
  }
  return {};
}

Status Namer::walk(PickleId root) {
  std::vector<Container> open{{"", root, 0}};
  while (!open.empty()) {
    const Container container = std::move(open.back());
    open.pop_back();
    MIEN_RETURN_IF_ERROR(visit(container, open));
  }
  return {};
}

Status Namer::shared_too_often(std::uint64_t most) const {
  return resource_limit(
      fmt::format("{}: maps have too many entries (expected at most {})", subject_, most));
}

Status Namer::nothing_found() const {
  const PickleId root = graph_.root;
  std::string got = "a value without tensors";
  if (graph_[root].kind == PickleKind::kGlobal)
    got = fmt::format("'{}'", global_name(graph_, root));
  if (const std::string name = called_name(graph_, root); !name.empty()) {
    got = is_tensor(graph_, root) ? "one tensor without a name"
                                  : fmt::format("an object of '{}'", name);
  }
  if (const auto map = as_map(graph_, root)) {
    got = "a map without tensors";
    for (const auto& [key, value] : *map) {
      const std::string name = called_name(graph_, value);
      if (!name.empty() && name != "collections.OrderedDict") {
        got = fmt::format("'{}', an object of '{}'", printable(graph_[key].text), name);
      }
    }
  }
  return unsupported(
      fmt::format("{}: no named tensors (expected a state_dict, got {})", subject_, got));
}

Result<std::vector<std::pair<std::string, PickleId>>> Namer::run() {
  MIEN_RETURN_IF_ERROR(mark_bearing());
  const PickleId root = graph_.root;
  if (!is_container(root) || bears_[root] == 0) return nothing_found();
  MIEN_RETURN_IF_ERROR(walk(script_ ? root : weights_map()));
  if (found_.empty()) return nothing_found();
  return std::move(found_);
}

}  // namespace

Result<std::vector<std::pair<std::string, PickleId>>> name_tensors(
    const PickleGraph& graph, bool script, std::string_view subject, const Limits& limits,
    std::vector<std::string>* skipped) {
  return Namer(graph, script, subject, limits, skipped).run();
}

}  // namespace mien::checkpoint
