#pragma once

#include <stdexcept>
#include <string>

namespace mien {

/// Thrown when our own caller breaks a documented precondition; never used for bad input.
class ContractError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Throws ContractError naming the condition, the file and the line.
[[noreturn]] void contract_failure(const char* condition, const char* file, int line);

}  // namespace mien

#define MIEN_CHECK(cond) \
  (static_cast<bool>(cond) ? void(0) : ::mien::contract_failure(#cond, __FILE__, __LINE__))

#ifndef NDEBUG
#define MIEN_DCHECK(cond) MIEN_CHECK(cond)
#else
#define MIEN_DCHECK(cond) void(0)
#endif
