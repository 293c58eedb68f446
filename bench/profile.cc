#include "profile.h"

#include <functional>
#include <string>

#include "kernels/buffer.h"
#include "kernels/ops.h"
#include "mien/core/rng.h"

namespace mien::bench {
namespace {

using kernels::Linear;
using kernels::Precision;

constexpr std::int64_t kPictures = 8;
constexpr std::int64_t kTokens = 197;
constexpr std::int64_t kWidth = 768;
constexpr std::int64_t kHeads = 12;
constexpr std::int64_t kMlp = 3072;
constexpr std::int64_t kRows = kPictures * kTokens;

std::vector<float> random_values(std::int64_t count) {
  Rng rng(1);
  std::vector<float> out(static_cast<std::size_t>(count));
  for (float& v : out) v = static_cast<float>(rng.normal() * 0.05);
  return out;
}

Result<Linear> layer(std::int64_t in, std::int64_t out, const kernels::LinearOptions& options) {
  const auto values = random_values(in * out);
  return Linear::pack(Tensor::from_f32({out, in}, values), nullptr, options);
}

/// One operation of a block, and the multiplications and additions it is made of.
struct Step {
  std::string name;
  double flops;
  std::function<Status()> run;
};

Status time_block(Precision precision, const std::string& type, int threads, const Plan& plan) {
  kernels::set_threads(threads);
  const Precision asked = kernels::attention_input(precision);
  const Precision between = precision == Precision::kInt8 ? Precision::kBf16 : precision;
  MIEN_ASSIGN_OR_RETURN(const Linear qkv,
                        layer(kWidth, 3 * kWidth, {.input = precision, .output = asked}));
  MIEN_ASSIGN_OR_RETURN(const Linear out,
                        layer(kWidth, kWidth, {.accumulate = true, .input = precision}));
  MIEN_ASSIGN_OR_RETURN(const Linear fc, layer(kWidth, kMlp,
                                               {.activation = kernels::Activation::kQuickGelu,
                                                .input = precision,
                                                .output = between}));
  MIEN_ASSIGN_OR_RETURN(const Linear proj,
                        layer(kMlp, kWidth, {.accumulate = true, .input = precision}));
  auto x = random_values(kRows * kWidth);
  const auto gain = random_values(kWidth);
  kernels::Buffer buffers[5];
  const auto reserve = [&](int which, Precision of, std::int64_t width) {
    return buffers[which].reserve(
        static_cast<std::size_t>(kernels::bytes_of_rows(of, kRows, width)));
  };
  void* normed = reserve(0, precision, kWidth);
  void* three = reserve(1, asked, 3 * kWidth);
  void* attended = reserve(2, between, kWidth);
  void* hidden = reserve(3, between, kMlp);
  void* rounded = reserve(4, precision, kMlp);
  kernels::Workspace workspace;
  const auto norm = [&] {
    kernels::layer_norm({.x = x.data(),
                         .rows = kRows,
                         .width = kWidth,
                         .gain = gain.data(),
                         .bias = gain.data(),
                         .out = normed,
                         .output = precision});
    return Status();
  };
  const auto attend = [&] {
    kernels::attention({.qkv = three,
                        .input = asked,
                        .batch = kPictures,
                        .tokens = kTokens,
                        .heads = kHeads,
                        .head_width = kWidth / kHeads,
                        .out = attended,
                        .output = between},
                       workspace);
    return Status();
  };
  const auto round = [&](const void* from, std::int64_t width) {
    kernels::quantise_rows(from, between, kRows, width, rounded);
    return Status();
  };
  const bool int8 = precision == Precision::kInt8;
  const double square = 2.0 * kRows * kWidth * kWidth;
  std::vector<Step> steps = {
      {"norm (both)", 0, [&] { return norm().ok() ? norm() : Status(); }},
      {"qkv", 3 * square, [&] { return qkv.run(normed, kRows, three, workspace); }},
      {"attention", 4.0 * kRows * kTokens * kWidth, attend}};
  if (int8) steps.push_back({"quantise attention", 0, [&] { return round(attended, kWidth); }});
  steps.push_back({"out and residual", square,
                   [&] { return out.run(int8 ? rounded : attended, kRows, x.data(), workspace); }});
  steps.push_back(
      {"fc and QuickGELU", 4 * square, [&] { return fc.run(normed, kRows, hidden, workspace); }});
  if (int8) steps.push_back({"quantise hidden", 0, [&] { return round(hidden, kMlp); }});
  steps.push_back({"proj and residual", 4 * square,
                   [&] { return proj.run(int8 ? rounded : hidden, kRows, x.data(), workspace); }});
  for (const Step& step : steps) {
    MIEN_ASSIGN_OR_RETURN(const auto samples, measure(plan, step.run));
    Json facts = Json::object();
    facts.set("group", "profile");
    facts.set("case", step.name);
    facts.set("precision", type);
    facts.set("threads", threads);
    facts.set("flops", step.flops);
    report(std::move(facts), samples);
  }
  return {};
}

}  // namespace

Status run_profile(const Plan& plan, const std::vector<int>& threads) {
  for (const int count : threads) {
    MIEN_RETURN_IF_ERROR(time_block(Precision::kF32, "fp32", count, plan));
    if (kernels::has_fast_bf16()) {
      MIEN_RETURN_IF_ERROR(time_block(Precision::kBf16, "bf16", count, plan));
    }
    if (kernels::has_fast_int8()) {
      MIEN_RETURN_IF_ERROR(time_block(Precision::kInt8, "int8", count, plan));
    }
  }
  return {};
}

}  // namespace mien::bench
