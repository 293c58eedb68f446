#include "checkpoint/pickle.h"

#include <fmt/format.h>

#include <bit>

#include "checkpoint/pickle_machine.h"
#include "core/checked.h"

namespace mien::checkpoint {

Status PickleMachine::fail(std::string_view problem) const {
  std::string message = fmt::format("{}: pickle {} at byte {}", subject_, problem, at_);
  if (last_global_ != kNoPickle) {
    message += fmt::format(" (after '{}')", global_name(graph_, last_global_));
  }
  return corrupt(std::move(message));
}

Status PickleMachine::cut_off() const {
  // Capped: the program ends at the limit, not where the file does.
  if (!capped_) return fail("is truncated");
  return resource_limit(
      fmt::format("{}: pickle is too long (expected at most {} bytes)", subject_, program_.size()));
}

Status PickleMachine::take_span(std::uint64_t length, std::span<const std::byte>& out) {
  const auto part = checked_subspan(program_, at_, length);
  if (!part) return cut_off();
  out = *part;
  at_ += part->size();
  return {};
}

Status PickleMachine::take_line(std::string_view& out) {
  const std::string_view rest(reinterpret_cast<const char*>(program_.data()) + at_,
                              program_.size() - at_);
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return cut_off();
  out = rest.substr(0, end);
  at_ += end + 1;
  return {};
}

Status PickleMachine::push_id(PickleId id) {
  if (stack_.size() >= max_nodes_) {
    return resource_limit(
        fmt::format("{}: pickle stack is too deep (expected at most {})", subject_, max_nodes_));
  }
  stack_.push_back(id);
  return {};
}

Status PickleMachine::push(PickleNode node) {
  if (graph_.nodes.size() >= max_nodes_) {
    return resource_limit(
        fmt::format("{}: pickle has too many values (expected at most {})", subject_, max_nodes_));
  }
  graph_.nodes.push_back(std::move(node));
  return push_id(static_cast<PickleId>(graph_.nodes.size() - 1));
}

Status PickleMachine::push_integer(std::int64_t value) {
  PickleNode node;
  node.kind = PickleKind::kInt;
  node.integer = value;
  return push(std::move(node));
}

Status PickleMachine::push_long(std::uint64_t length) {
  std::span<const std::byte> digits;
  MIEN_RETURN_IF_ERROR(take_span(length, digits));
  // Longer integers keep their bytes, such as the magic number of the legacy format.
  if (digits.size() > 8) {
    at_ -= digits.size();
    return push_text(length, PickleKind::kBigInt);
  }
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    value |= std::to_integer<std::uint64_t>(digits[i]) << (8 * i);
  }
  const bool negative = !digits.empty() && (digits.back() & std::byte{0x80}) != std::byte{0};
  if (negative && digits.size() < 8) value |= ~std::uint64_t{0} << (8 * digits.size());
  return push_integer(std::bit_cast<std::int64_t>(value));
}

Status PickleMachine::push_text(std::uint64_t length, PickleKind kind) {
  std::span<const std::byte> bytes;
  MIEN_RETURN_IF_ERROR(take_span(length, bytes));
  PickleNode node;
  node.kind = kind;
  node.text = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  return push(std::move(node));
}

Status PickleMachine::pop(PickleId& out) {
  // Nothing below the newest mark may be popped.
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) return fail("stack is empty");
  out = stack_.back();
  stack_.pop_back();
  return {};
}

Status PickleMachine::pop_mark(std::size_t& out) {
  if (marks_.empty()) return fail("has no mark");
  out = marks_.back();
  marks_.pop_back();
  return {};
}

Status PickleMachine::push_list_from(std::size_t from, PickleKind kind) {
  PickleNode node;
  node.kind = kind;
  node.items.assign(stack_.begin() + static_cast<std::ptrdiff_t>(from), stack_.end());
  if (kind == PickleKind::kDict && node.items.size() % 2 != 0)
    return fail("map has a key without a value");
  stack_.resize(from);
  return push(std::move(node));
}

Status PickleMachine::append_from(std::size_t from) {
  if (from == 0 || from > stack_.size() || (!marks_.empty() && from <= marks_.back())) {
    return fail("appends to nothing");
  }
  PickleNode& target = graph_.nodes[stack_[from - 1]];
  if (target.kind == PickleKind::kList) {
    target.items.insert(target.items.end(), stack_.begin() + static_cast<std::ptrdiff_t>(from),
                        stack_.end());
    // Objects may act as lists; their items are not needed.
  } else if (target.kind != PickleKind::kCall && target.kind != PickleKind::kPlain) {
    return fail("appends to something that is not a list");
  }
  stack_.resize(from);
  return {};
}

Status PickleMachine::set_items_from(std::size_t from) {
  if (from == 0 || from > stack_.size() || (!marks_.empty() && from <= marks_.back())) {
    return fail("sets items of nothing");
  }
  if ((stack_.size() - from) % 2 != 0) return fail("map has a key without a value");
  PickleNode& target = graph_.nodes[stack_[from - 1]];
  // An OrderedDict is a call that gets its items afterwards.
  if (target.kind != PickleKind::kDict && target.kind != PickleKind::kCall) {
    return fail("sets items of something that is not a map");
  }
  target.items.insert(target.items.end(), stack_.begin() + static_cast<std::ptrdiff_t>(from),
                      stack_.end());
  stack_.resize(from);
  return {};
}

Status PickleMachine::memoize(std::uint32_t index) {
  if (stack_.empty()) return fail("stack is empty");
  if (memo_.size() >= max_nodes_ && !memo_.contains(index)) {
    return resource_limit(
        fmt::format("{}: pickle memo is too large (expected at most {})", subject_, max_nodes_));
  }
  memo_[index] = stack_.back();
  return {};
}

Status PickleMachine::recall(std::uint32_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) return fail(fmt::format("asks for unknown memo {}", index));
  return push_id(found->second);
}

Status PickleMachine::call(bool with_keywords) {
  PickleNode node;
  node.kind = PickleKind::kCall;
  PickleId keywords = kNoPickle;
  if (with_keywords) MIEN_RETURN_IF_ERROR(pop(keywords));
  MIEN_RETURN_IF_ERROR(pop(node.second));
  MIEN_RETURN_IF_ERROR(pop(node.first));
  if (graph_[node.second].kind != PickleKind::kTuple) return fail("calls without a tuple");
  return push(std::move(node));
}

Status PickleMachine::build() {
  PickleId state = kNoPickle;
  MIEN_RETURN_IF_ERROR(pop(state));
  PickleId target = kNoPickle;
  MIEN_RETURN_IF_ERROR(pop(target));
  graph_.nodes[target].state = state;
  return push_id(target);
}

Status PickleMachine::global_from_lines() {
  std::string_view lines[2];
  for (std::string_view& line : lines) {
    MIEN_RETURN_IF_ERROR(take_line(line));
    PickleNode node;
    node.kind = PickleKind::kText;
    node.text = line;
    MIEN_RETURN_IF_ERROR(push(std::move(node)));
  }
  return global_from_stack();
}

Status PickleMachine::global_from_stack() {
  PickleNode node;
  node.kind = PickleKind::kGlobal;
  MIEN_RETURN_IF_ERROR(pop(node.second));
  MIEN_RETURN_IF_ERROR(pop(node.first));
  if (graph_[node.first].kind != PickleKind::kText ||
      graph_[node.second].kind != PickleKind::kText) {
    return fail("names a global without text");
  }
  MIEN_RETURN_IF_ERROR(push(std::move(node)));
  last_global_ = stack_.back();
  return {};
}

Result<PickleGraph> PickleMachine::run() {
  for (;;) {
    char op = 0;
    MIEN_RETURN_IF_ERROR(take(op));
    if (op == '.') break;
    Outcome outcome = step_literal(op);
    if (!outcome) outcome = step_text(op);
    if (!outcome) outcome = step_container(op);
    if (!outcome) outcome = step_stack(op);
    if (!outcome) outcome = step_memo(op);
    if (!outcome) outcome = step_object(op);
    if (!outcome) {
      return fail(fmt::format("has opcode 0x{:02x}, which weights never need",
                              static_cast<unsigned char>(op)));
    }
    MIEN_RETURN_IF_ERROR(*outcome);
  }
  MIEN_RETURN_IF_ERROR(pop(graph_.root));
  if (!stack_.empty() || !marks_.empty()) return fail("ends with values left over");
  graph_.consumed = at_;
  return std::move(graph_);
}

// ASCII only: the text comes from the file, and messages go to terminals.
std::string printable(std::string_view text) {
  std::string out(text.substr(0, 200));
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  return out;
}

std::string global_name(const PickleGraph& graph, PickleId id) {
  const PickleNode& node = graph[id];
  if (node.kind != PickleKind::kGlobal) return {};
  return printable(graph[node.first].text) + "." + printable(graph[node.second].text);
}

Result<PickleGraph> run_pickle(std::span<const std::byte> program, std::string_view subject,
                               const Limits& limits) {
  return PickleMachine(program, subject, limits).run();
}

}  // namespace mien::checkpoint
