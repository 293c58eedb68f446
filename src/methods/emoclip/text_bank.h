#pragma once

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mien/core/status.h"
#include "text/tokenizer.h"

namespace mien::methods {

/// The different texts of a run as tokens.
class TextBank {
 public:
  TextBank(std::shared_ptr<const text::Tokenizer> tokenizer, int context)
      : tokenizer_(std::move(tokenizer)), context_(context) {}

  /// The index of a text, which is added if it is new. Errors: those of the tokenizer.
  Result<std::int64_t> add(const std::string& text);
  std::int64_t size() const { return static_cast<std::int64_t>(rows_.size()); }
  /// Shape: [indices, context] int64.
  torch::Tensor tokens(const std::vector<std::int64_t>& places) const;

 private:
  std::shared_ptr<const text::Tokenizer> tokenizer_;
  int context_;
  std::map<std::string, std::int64_t> places_;
  std::vector<std::vector<std::int32_t>> rows_;
};

}  // namespace mien::methods
