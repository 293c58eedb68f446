#pragma once

#include <span>
#include <string>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/convolution.h"
#include "mien/checkpoint/checkpoint.h"
#include "mien/engine/encoders.h"
#include "mien/kernels/linear.h"

namespace mien::engine {

struct Session::Impl {
  kernels::Workspace workspace;
  kernels::Buffer input;      // patches, or nothing
  kernels::Buffer stream;     // residual stream
  kernels::Buffer normed;     // after a layer norm
  kernels::Buffer qkv;        // projections
  kernels::Buffer gathered;   // projections of sequences that share rows
  kernels::Buffer attended;   // after attention
  kernels::Buffer hidden;     // inside the MLP
  kernels::Buffer pooled;     // read-out rows
  kernels::Buffer prompted;   // pictures with a learned patch
  kernels::Buffer views;      // pictures looked at several times
  kernels::Buffer view_rows;  // their embeddings
};

/// Rows of activations that one pass holds at a time; larger batches are cut.
constexpr std::int64_t kRowsPerPass = 1600;

/// A layer norm's two vectors.
struct Norm {
  std::vector<float> gain;
  std::vector<float> bias;
};
Result<Norm> load_norm(const checkpoint::Checkpoint& weights, const std::string& name);
/// The batch norm `name` of running statistics.
Result<kernels::ChannelAffine> load_batch_norm(const checkpoint::Checkpoint& weights,
                                               const std::string& name, float eps);
Result<std::vector<float>> load_vector(const checkpoint::Checkpoint& weights,
                                       const std::string& name);

/// Room for rows of a type; what was inside is lost.
void* reserve_rows(kernels::Buffer& buffer, kernels::Precision precision, std::int64_t rows,
                   std::int64_t width);
/// The type that layers of a precision write for the next layer; int8 ones write bf16, as scales
/// are known only when a row is complete.
kernels::Precision between_layers(kernels::Precision layers);
/// What is used instead where int8 does not pay or is too coarse: bf16 where the CPU multiplies it.
kernels::Precision without_int8(kernels::Precision precision);
/// What a layer reads: `rows` of type between_layers(precision) themselves, or quantised in
/// `buffer`.
const void* layer_input(const void* rows, std::int64_t count, const kernels::Linear& layer,
                        kernels::Precision precision, kernels::Buffer& buffer);

/// Packs a weight and, unless `bias_name` is empty, a bias; the pages of the weight are released.
/// Precondition: the tensors were checked.
Result<kernels::Linear> load_linear(const checkpoint::Checkpoint& weights,
                                    const std::string& weight_name, const std::string& bias_name,
                                    const kernels::LinearOptions& options);
/// The same for `<name>.weight` and `<name>.bias`.
Result<kernels::Linear> load_linear(const checkpoint::Checkpoint& weights, const std::string& name,
                                    const kernels::LinearOptions& options);

/// Packs a linear layer without bias together with the batch norm behind it.
/// Precondition: the tensors were checked.
Result<kernels::Linear> load_folded(const checkpoint::Checkpoint& weights,
                                    const std::string& weight_name, const std::string& norm_name,
                                    float eps);

struct TransformerSizes {
  std::int64_t width = 0;
  std::int64_t heads = 0;
  std::int64_t head_width = 0;
  int layers = 0;
  kernels::Activation activation = kernels::Activation::kQuickGelu;
  bool causal = false;
};

/// What the tensors of a block are called, behind the prefix and the number of the block.
struct BlockNames {
  const char* ln_1;
  const char* qkv_weight;
  const char* qkv_bias;  ///< nullptr: none
  const char* out;
  const char* ln_2;
  const char* fc;
  const char* proj;
};
inline constexpr BlockNames kClipBlock = {
    "ln_1",     "attn.in_proj_weight", "attn.in_proj_bias", "attn.out_proj", "ln_2",
    "mlp.c_fc", "mlp.c_proj"};

/// Sequences that share beginnings: under a causal mask a token's row depends on what is before it
/// alone, so that equal beginnings have equal rows, which are kept and worked on once.
struct SharedRows {
  std::int64_t batch = 0;
  std::int64_t tokens = 0;           ///< of the longest sequence
  std::vector<std::int64_t> row_of;  ///< [batch * tokens]: row of a token; behind an end: any row
  std::vector<std::int64_t> place;   ///< [rows]: the first token of row_of that has it, ascending
  std::vector<std::int64_t> ends;    ///< [batch]: row of the last token, ascending, each another
};

/// A stack of pre-norm blocks on a residual stream in float32.
class Transformer {
 public:
  /// Reads `<prefix><i>.<name>`. Precondition: the tensors were checked.
  static Result<Transformer> load(const checkpoint::Checkpoint& weights, const std::string& prefix,
                                  const BlockNames& names, const TransformerSizes& sizes,
                                  kernels::Precision precision);

  /// Shape: x [batch, tokens, width], changed in place. With `first_token_only` the last block
  /// works for token 0 alone and leaves the results in rows 0..batch-1 of x, densely; they equal
  /// those of the full pass.
  Status run(float* x, std::int64_t batch, std::int64_t tokens, bool first_token_only,
             Session::Impl& session) const;
  /// Shape: x [rows, width], changed in place; afterwards its first `batch` rows are those of the
  /// ends, equal to what run() gives for whole sequences. Precondition: the blocks are causal.
  Status run_shared(float* x, const SharedRows& shared, Session::Impl& session) const;

 private:
  struct Block {
    Norm ln_1;
    Norm ln_2;
    kernels::Linear qkv;
    kernels::Linear out;
    kernels::Linear fc;
    kernels::Linear proj;
  };
  /// Rows behind the first norm to queries, keys and values. Returns the buffer's start.
  Result<void*> project(const Block& block, const float* x, std::int64_t rows,
                        Session::Impl& session) const;
  void* mix(void* qkv, std::int64_t batch, std::int64_t tokens, std::int64_t queries,
            Session::Impl& session) const;
  Status attend(const Block& block, float* x, std::int64_t batch, std::int64_t tokens,
                std::int64_t queries, Session::Impl& session) const;
  Status attend_shared(const Block& block, float* x, const SharedRows& shared,
                       std::span<const std::int64_t> places, Session::Impl& session) const;
  Status feed_forward(const Block& block, float* x, std::int64_t rows,
                      Session::Impl& session) const;

  std::int64_t inner() const { return sizes_.heads * sizes_.head_width; }

  TransformerSizes sizes_;
  kernels::Precision precision_ = kernels::Precision::kF32;
  std::vector<Block> blocks_;
};

}  // namespace mien::engine
