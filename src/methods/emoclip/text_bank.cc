#include "methods/emoclip/text_bank.h"

#include <ATen/ATen.h>

namespace mien::methods {

Result<std::int64_t> TextBank::add(const std::string& text) {
  const auto found = places_.find(text);
  if (found != places_.end()) return found->second;
  MIEN_ASSIGN_OR_RETURN(auto row, tokenizer_->encode_padded(text, context_));
  rows_.push_back(std::move(row));
  places_.emplace(text, size() - 1);
  return size() - 1;
}

torch::Tensor TextBank::tokens(const std::vector<std::int64_t>& places) const {
  torch::Tensor out =
      torch::empty({static_cast<std::int64_t>(places.size()), context_}, torch::kInt64);
  auto* value = out.data_ptr<std::int64_t>();
  for (const std::int64_t place : places) {
    for (const std::int32_t id : rows_[static_cast<std::size_t>(place)]) *value++ = id;
  }
  return out;
}

}  // namespace mien::methods
