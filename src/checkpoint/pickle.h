#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/status.h"

namespace mien::checkpoint {

enum class PickleKind : std::uint8_t {
  kPlain,  ///< None, a float, bytes, or another leaf value that we never inspect
  kBool,
  kInt,
  kBigInt,  ///< `text`: two's complement, little-endian
  kText,
  kTuple,
  kList,
  kDict,  ///< items: key, value, key, value, ...
  kGlobal,
  kCall,  ///< a function or class applied to arguments; never executed
  kPersistent,
};

using PickleId = std::uint32_t;
inline constexpr PickleId kNoPickle = std::numeric_limits<PickleId>::max();

struct PickleNode {
  PickleKind kind = PickleKind::kPlain;
  std::int64_t integer = 0;     ///< kInt, kBool
  std::string_view text;        ///< kText, kBigInt: points into the program
  PickleId first = kNoPickle;   ///< kGlobal: module; kCall: the callee; kPersistent: its id
  PickleId second = kNoPickle;  ///< kGlobal: name; kCall: the argument tuple
  PickleId state = kNoPickle;   ///< argument of BUILD
  std::vector<PickleId> items;  ///< kTuple, kList, kDict; kCall: items added by SETITEM
};

/// The values that a pickle program describes, as an uninterpreted graph: nothing is imported or
/// called. May contain cycles.
struct PickleGraph {
  std::vector<PickleNode> nodes;
  PickleId root = kNoPickle;
  std::size_t consumed = 0;  ///< bytes of the program, STOP included

  const PickleNode& operator[](PickleId id) const { return nodes[id]; }
};

/// Text from a file, shortened and without control characters, for messages.
std::string printable(std::string_view text);

/// "module.name" of a kGlobal; empty for other values.
std::string global_name(const PickleGraph& graph, PickleId id);

/// Runs one pickle (protocols 2 to 5) from the beginning of `program` without recursion. The graph
/// borrows `program`. Errors: kCorrupt, kUnsupported opcode, kResourceLimit (program longer than
/// limits.max_header_bytes, too many values).
Result<PickleGraph> run_pickle(std::span<const std::byte> program, std::string_view subject,
                               const Limits& limits);

}  // namespace mien::checkpoint
