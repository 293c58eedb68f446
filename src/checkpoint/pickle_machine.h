#pragma once

#include <algorithm>
#include <concepts>
#include <optional>
#include <unordered_map>

#include "checkpoint/bytes.h"
#include "checkpoint/pickle.h"

namespace mien::checkpoint {

/// The stack machine of one pickle program.
class PickleMachine {
 public:
  PickleMachine(std::span<const std::byte> program, std::string_view subject, const Limits& limits)
      : capped_(program.size() > limits.max_header_bytes),
        program_(capped_ ? program.first(static_cast<std::size_t>(limits.max_header_bytes))
                         : program),
        subject_(subject),
        // Even an empty checkpoint may have some values.
        max_nodes_(1024 + kNodesPerTensor * std::min(limits.max_tensors, kMaxTensors)) {}

  Result<PickleGraph> run();

 private:
  static constexpr std::uint64_t kNodesPerTensor = 64;
  static constexpr std::uint64_t kMaxTensors = 60'000'000;  // so that ids fit

  // Each group returns nullopt for opcodes of other groups.
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

template <std::integral T>
Status PickleMachine::take(T& out) {
  if (sizeof(T) > program_.size() - at_) return cut_off();
  out = load_le<T>(program_, at_);
  at_ += sizeof(T);
  return {};
}

}  // namespace mien::checkpoint
