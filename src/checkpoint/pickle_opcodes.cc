#include <fmt/format.h>

#include "checkpoint/pickle_machine.h"

namespace mien::checkpoint {
namespace {

constexpr std::size_t kMaxMarks = 100'000;

}  // namespace

PickleMachine::Outcome PickleMachine::step_literal(char op) {
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

PickleMachine::Outcome PickleMachine::step_text(char op) {
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

PickleMachine::Outcome PickleMachine::step_container(char op) {
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

PickleMachine::Outcome PickleMachine::step_stack(char op) {
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

PickleMachine::Outcome PickleMachine::step_memo(char op) {
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

PickleMachine::Outcome PickleMachine::step_object(char op) {
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

}  // namespace mien::checkpoint
