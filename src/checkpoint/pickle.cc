#include "checkpoint/pickle.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <unordered_map>

#include "checkpoint/bytes.h"
#include "mien/core/checked.h"

namespace mien::checkpoint {
namespace {

constexpr std::uint64_t kNodesPerTensor = 64;
constexpr std::size_t kMaxMarks = 100'000;

class Machine {
 public:
  Machine(std::span<const std::byte> program, std::string_view subject, const Limits& limits)
      : capped_(program.size() > limits.max_header_bytes),
        program_(capped_ ? program.first(static_cast<std::size_t>(limits.max_header_bytes))
                         : program),
        subject_(subject),
        // Even an empty checkpoint has some values.
        max_nodes_(
            std::min<std::uint64_t>(1024 + kNodesPerTensor * limits.max_tensors, kNoPickle - 1)) {}

  Result<PickleGraph> run();

 private:
  // Each group returns nullopt when the opcode is not one of its own.
  using Outcome = std::optional<Status>;
  Outcome step_literal(char op);
  Outcome step_text(char op);
  Outcome step_container(char op);
  Outcome step_stack(char op);
  Outcome step_memo(char op);
  Outcome step_object(char op);

  Status push(PickleNode node);
  Status push_id(PickleId id);
  Status push_integer(std::int64_t value);
  Status push_plain() { return push({}); }
  Status push_long(std::uint64_t length);
  Status push_text(std::uint64_t length, PickleKind kind);
  Status push_list_from(std::size_t from, PickleKind kind);
  Status append_from(std::size_t from);
  Status set_items_from(std::size_t from);
  Status memoize(std::uint32_t index);
  Status recall(std::uint32_t index);
  Status call(bool with_keywords);
  Status build();
  Status global_from_lines();
  Status global_from_stack();

  template <std::integral T>
  Status take(T& out);
  Status take_span(std::uint64_t length, std::span<const std::byte>& out);
  Status take_line(std::string_view& out);
  Status pop(PickleId& out);
  Status pop_mark(std::size_t& out);
  Status fail(std::string_view problem) const;
  Status cut_off() const;

  bool capped_;
  std::span<const std::byte> program_;
  std::string_view subject_;
  std::uint64_t max_nodes_;
  std::size_t at_ = 0;
  PickleGraph graph_;
  std::vector<PickleId> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint32_t, PickleId> memo_;
  PickleId last_global_ = kNoPickle;
};

Status Machine::fail(std::string_view problem) const {
  std::string message = fmt::format("{}: pickle {} at byte {}", subject_, problem, at_);
  if (last_global_ != kNoPickle) {
    message += fmt::format(" (after '{}')", global_name(graph_, last_global_));
  }
  return corrupt(std::move(message));
}

Status Machine::cut_off() const {
  if (!capped_) return fail("is cut off");
  return resource_limit(
      fmt::format("{}: pickle is too long (expected at most {} bytes)", subject_, program_.size()));
}

template <std::integral T>
Status Machine::take(T& out) {
  if (sizeof(T) > program_.size() - at_) return cut_off();
  out = load_le<T>(program_, at_);
  at_ += sizeof(T);
  return {};
}

Status Machine::take_span(std::uint64_t length, std::span<const std::byte>& out) {
  const auto part = checked_subspan(program_, at_, length);
  if (!part) return cut_off();
  out = *part;
  at_ += part->size();
  return {};
}

Status Machine::take_line(std::string_view& out) {
  const std::string_view rest(reinterpret_cast<const char*>(program_.data()) + at_,
                              program_.size() - at_);
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return cut_off();
  out = rest.substr(0, end);
  at_ += end + 1;
  return {};
}

Status Machine::push_id(PickleId id) {
  if (stack_.size() >= max_nodes_) {
    return resource_limit(
        fmt::format("{}: pickle stack is too deep (expected at most {})", subject_, max_nodes_));
  }
  stack_.push_back(id);
  return {};
}

Status Machine::push(PickleNode node) {
  if (graph_.nodes.size() >= max_nodes_) {
    return resource_limit(
        fmt::format("{}: pickle has too many values (expected at most {})", subject_, max_nodes_));
  }
  graph_.nodes.push_back(std::move(node));
  return push_id(static_cast<PickleId>(graph_.nodes.size() - 1));
}

Status Machine::push_integer(std::int64_t value) {
  PickleNode node;
  node.kind = PickleKind::kInt;
  node.integer = value;
  return push(std::move(node));
}

Status Machine::push_long(std::uint64_t length) {
  std::span<const std::byte> digits;
  MIEN_RETURN_IF_ERROR(take_span(length, digits));
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

Status Machine::push_text(std::uint64_t length, PickleKind kind) {
  std::span<const std::byte> bytes;
  MIEN_RETURN_IF_ERROR(take_span(length, bytes));
  PickleNode node;
  node.kind = kind;
  node.text = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  return push(std::move(node));
}

Status Machine::pop(PickleId& out) {
  // Nothing may be taken from below the newest mark.
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) return fail("stack is empty");
  out = stack_.back();
  stack_.pop_back();
  return {};
}

Status Machine::pop_mark(std::size_t& out) {
  if (marks_.empty()) return fail("has no mark");
  out = marks_.back();
  marks_.pop_back();
  return {};
}

Status Machine::push_list_from(std::size_t from, PickleKind kind) {
  PickleNode node;
  node.kind = kind;
  node.items.assign(stack_.begin() + static_cast<std::ptrdiff_t>(from), stack_.end());
  if (kind == PickleKind::kDict && node.items.size() % 2 != 0) return fail("map has an odd item");
  stack_.resize(from);
  return push(std::move(node));
}

Status Machine::append_from(std::size_t from) {
  if (from == 0 || from > stack_.size() || (!marks_.empty() && from <= marks_.back())) {
    return fail("appends to nothing");
  }
  PickleNode& target = graph_.nodes[stack_[from - 1]];
  if (target.kind == PickleKind::kList) {
    target.items.insert(target.items.end(), stack_.begin() + static_cast<std::ptrdiff_t>(from),
                        stack_.end());
  } else if (target.kind != PickleKind::kCall && target.kind != PickleKind::kPlain) {
    return fail("appends to something that is not a list");
  }
  stack_.resize(from);
  return {};
}

Status Machine::set_items_from(std::size_t from) {
  if (from == 0 || from > stack_.size() || (!marks_.empty() && from <= marks_.back())) {
    return fail("sets items of nothing");
  }
  if ((stack_.size() - from) % 2 != 0) return fail("map has an odd item");
  PickleNode& target = graph_.nodes[stack_[from - 1]];
  if (target.kind != PickleKind::kDict && target.kind != PickleKind::kCall) {
    return fail("sets items of something that is not a map");
  }
  target.items.insert(target.items.end(), stack_.begin() + static_cast<std::ptrdiff_t>(from),
                      stack_.end());
  stack_.resize(from);
  return {};
}

Status Machine::memoize(std::uint32_t index) {
  if (stack_.empty()) return fail("stack is empty");
  if (memo_.size() >= max_nodes_ && !memo_.contains(index)) {
    return resource_limit(
        fmt::format("{}: pickle memo is too large (expected at most {})", subject_, max_nodes_));
  }
  memo_[index] = stack_.back();
  return {};
}

Status Machine::recall(std::uint32_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) return fail(fmt::format("asks for unknown memo {}", index));
  return push_id(found->second);
}

Status Machine::call(bool with_keywords) {
  PickleNode node;
  node.kind = PickleKind::kCall;
  PickleId keywords = kNoPickle;
  if (with_keywords) MIEN_RETURN_IF_ERROR(pop(keywords));
  MIEN_RETURN_IF_ERROR(pop(node.second));
  MIEN_RETURN_IF_ERROR(pop(node.first));
  if (graph_[node.second].kind != PickleKind::kTuple) return fail("calls without a tuple");
  return push(std::move(node));
}

Status Machine::build() {
  PickleId state = kNoPickle;
  MIEN_RETURN_IF_ERROR(pop(state));
  PickleId target = kNoPickle;
  MIEN_RETURN_IF_ERROR(pop(target));
  graph_.nodes[target].state = state;
  return push_id(target);
}

Status Machine::global_from_lines() {
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

Status Machine::global_from_stack() {
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

Machine::Outcome Machine::step_literal(char op) {
  switch (op) {
    case 'N': return push_plain();
    case '\x88':    // NEWTRUE
    case '\x89': {  // NEWFALSE
      PickleNode node;
      node.kind = PickleKind::kBool;
      node.integer = op == '\x88' ? 1 : 0;
      return push(std::move(node));
    }
    case 'J': {
      std::int32_t value = 0;
      if (Status s = take(value); !s.ok()) return s;
      return push_integer(value);
    }
    case 'K': {
      std::uint8_t value = 0;
      if (Status s = take(value); !s.ok()) return s;
      return push_integer(value);
    }
    case 'M': {
      std::uint16_t value = 0;
      if (Status s = take(value); !s.ok()) return s;
      return push_integer(value);
    }
    case '\x8a': {  // LONG1
      std::uint8_t length = 0;
      if (Status s = take(length); !s.ok()) return s;
      return push_long(length);
    }
    case '\x8b': {  // LONG4
      std::int32_t length = 0;
      if (Status s = take(length); !s.ok()) return s;
      if (length < 0) return fail("integer has a negative length");
      return push_long(static_cast<std::uint64_t>(length));
    }
    case 'G': {
      std::uint64_t value = 0;
      if (Status s = take(value); !s.ok()) return s;
      return push_plain();
    }
    default: return std::nullopt;
  }
}

Machine::Outcome Machine::step_text(char op) {
  PickleKind kind = PickleKind::kText;
  std::size_t width = 0;
  switch (op) {
    case '\x8c':  // SHORT_BINUNICODE
    case 'U': width = 1; break;
    case 'X':
    case 'T': width = 4; break;
    case '\x8d': width = 8; break;  // BINUNICODE8
    case 'C': width = 1, kind = PickleKind::kPlain; break;
    case 'B': width = 4, kind = PickleKind::kPlain; break;
    case '\x8e':                                               // BINBYTES8
    case '\x96': width = 8, kind = PickleKind::kPlain; break;  // BYTEARRAY8
    default: return std::nullopt;
  }
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < width; ++i) {
    std::uint8_t byte = 0;
    if (Status s = take(byte); !s.ok()) return s;
    length |= std::uint64_t{byte} << (8 * i);
  }
  return push_text(length, kind);
}

Machine::Outcome Machine::step_container(char op) {
  std::size_t from = stack_.size();
  const bool uses_mark =
      op == 't' || op == 'l' || op == 'd' || op == 'e' || op == 'u' || op == '\x90' || op == '\x91';
  if (uses_mark) {
    if (Status s = pop_mark(from); !s.ok()) return s;
  }
  const auto tuple_of = [&](std::size_t count) -> Status {
    if (stack_.size() < (marks_.empty() ? 0 : marks_.back()) + count) return fail("stack is empty");
    return push_list_from(stack_.size() - count, PickleKind::kTuple);
  };
  switch (op) {
    case ')': return tuple_of(0);
    case '\x85': return tuple_of(1);
    case '\x86': return tuple_of(2);
    case '\x87': return tuple_of(3);
    case ']': return push_list_from(from, PickleKind::kList);
    case '}': return push_list_from(from, PickleKind::kDict);
    case '\x8f': return push_plain();  // EMPTY_SET
    case 't': return push_list_from(from, PickleKind::kTuple);
    case 'l': return push_list_from(from, PickleKind::kList);
    case 'd': return push_list_from(from, PickleKind::kDict);
    case '\x91':  // FROZENSET
      stack_.resize(from);
      return push_plain();
    case 'e':
    case '\x90': return append_from(from);  // ADDITEMS
    case 'u': return set_items_from(from);
    case 'a': return append_from(from == 0 ? 0 : from - 1);
    case 's': return set_items_from(from < 2 ? 0 : from - 2);
    default: return std::nullopt;
  }
}

Machine::Outcome Machine::step_stack(char op) {
  switch (op) {
    case '(':
      if (marks_.size() >= kMaxMarks) {
        return resource_limit(fmt::format(
            "{}: pickle is nested too deeply (expected at most {} marks)", subject_, kMaxMarks));
      }
      marks_.push_back(stack_.size());
      return Status();
    case '0': {
      PickleId ignored = kNoPickle;
      if (!marks_.empty() && marks_.back() == stack_.size()) {
        marks_.pop_back();
        return Status();
      }
      return pop(ignored);
    }
    case '1': {
      std::size_t from = 0;
      if (Status s = pop_mark(from); !s.ok()) return s;
      stack_.resize(from);
      return Status();
    }
    case '2': {
      PickleId top = kNoPickle;
      if (Status s = pop(top); !s.ok()) return s;
      stack_.push_back(top);
      return push_id(top);
    }
    default: return std::nullopt;
  }
}

Machine::Outcome Machine::step_memo(char op) {
  std::uint32_t wide = 0;
  std::uint8_t narrow = 0;
  switch (op) {
    case 'q':
    case 'h':
      if (Status s = take(narrow); !s.ok()) return s;
      return op == 'q' ? memoize(narrow) : recall(narrow);
    case 'r':
    case 'j':
      if (Status s = take(wide); !s.ok()) return s;
      return op == 'r' ? memoize(wide) : recall(wide);
    case '\x94': return memoize(static_cast<std::uint32_t>(memo_.size()));
    default: return std::nullopt;
  }
}

Machine::Outcome Machine::step_object(char op) {
  switch (op) {
    case 'c': return global_from_lines();
    case '\x93': return global_from_stack();
    case 'R':                         // REDUCE
    case '\x81': return call(false);  // NEWOBJ
    case '\x92': return call(true);   // NEWOBJ_EX
    case 'b': return build();
    case 'Q': {
      PickleNode node;
      node.kind = PickleKind::kPersistent;
      if (Status s = pop(node.first); !s.ok()) return s;
      return push(std::move(node));
    }
    case '\x80': {
      std::uint8_t protocol = 0;
      if (Status s = take(protocol); !s.ok()) return s;
      if (protocol >= 2 && protocol <= 5) return Status();
      return unsupported(
          fmt::format("{}: pickle protocol {} (expected 2 to 5)", subject_, protocol));
    }
    case '\x95': {
      std::uint64_t length = 0;
      if (Status s = take(length); !s.ok()) return s;
      return length <= program_.size() - at_ ? Status() : cut_off();
    }
    default: return std::nullopt;
  }
}

Result<PickleGraph> Machine::run() {
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
      return fail(fmt::format("has opcode 0x{:02x}, which no weights need",
                              static_cast<unsigned char>(op)));
    }
    MIEN_RETURN_IF_ERROR(*outcome);
  }
  MIEN_RETURN_IF_ERROR(pop(graph_.root));
  if (!stack_.empty() || !marks_.empty()) return fail("ends with values left over");
  graph_.consumed = at_;
  return std::move(graph_);
}

}  // namespace

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
  return Machine(program, subject, limits).run();
}

}  // namespace mien::checkpoint
