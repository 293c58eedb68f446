#include "peak.h"

#include <string>
#include <thread>

#include "mien/kernels/cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mien::bench {
namespace {

/// A loop of `rounds` rounds; the returned sum keeps the compiler from dropping it.
struct Loop {
  std::string type;
  std::string isa;
  float (*run)(std::int64_t rounds);
  double flops_per_round;
};

float fma_generic(std::int64_t rounds) {
  constexpr int kLanes = 32;
  float acc[kLanes];
  for (int k = 0; k < kLanes; ++k) acc[k] = static_cast<float>(k);
  for (std::int64_t i = 0; i < rounds; ++i) {
    for (int k = 0; k < kLanes; ++k) acc[k] = acc[k] * 0.999F + 0.001F;
  }
  float sum = 0;
  for (const float value : acc) sum += value;
  return sum;
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) float fma_avx2(std::int64_t rounds) {
  constexpr int kChains = 12;
  __m256 acc[kChains];
  for (int k = 0; k < kChains; ++k) acc[k] = _mm256_set1_ps(static_cast<float>(k));
  const __m256 a = _mm256_set1_ps(0.999F);
  const __m256 b = _mm256_set1_ps(0.001F);
  for (std::int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int k = 0; k < kChains; ++k) acc[k] = _mm256_fmadd_ps(acc[k], a, b);
  }
  for (int k = 1; k < kChains; ++k) acc[0] = _mm256_add_ps(acc[0], acc[k]);
  return _mm256_cvtss_f32(acc[0]);
}

__attribute__((target("avx512f"))) float fma_avx512(std::int64_t rounds) {
  constexpr int kChains = 24;
  __m512 acc[kChains];
  for (int k = 0; k < kChains; ++k) acc[k] = _mm512_set1_ps(static_cast<float>(k));
  const __m512 a = _mm512_set1_ps(0.999F);
  const __m512 b = _mm512_set1_ps(0.001F);
  for (std::int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 24
    for (int k = 0; k < kChains; ++k) acc[k] = _mm512_fmadd_ps(acc[k], a, b);
  }
  for (int k = 1; k < kChains; ++k) acc[0] = _mm512_add_ps(acc[0], acc[k]);
  return _mm512_cvtss_f32(acc[0]);
}

__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16"))) float dot_bf16(
    std::int64_t rounds) {
  constexpr int kChains = 24;
  __m512 acc[kChains];
  for (int k = 0; k < kChains; ++k) acc[k] = _mm512_set1_ps(static_cast<float>(k));
  const __m512bh a = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5F), _mm512_set1_ps(-0.5F));
  const __m512bh b = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.25F), _mm512_set1_ps(0.25F));
  for (std::int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 24
    for (int k = 0; k < kChains; ++k) acc[k] = _mm512_dpbf16_ps(acc[k], a, b);
  }
  for (int k = 1; k < kChains; ++k) acc[0] = _mm512_add_ps(acc[0], acc[k]);
  return _mm512_cvtss_f32(acc[0]);
}

__attribute__((target("avx512f,avx512bw,avx512vnni"))) float dot_int8(std::int64_t rounds) {
  constexpr int kChains = 24;
  __m512i acc[kChains];
#pragma GCC unroll 24
  for (int k = 0; k < kChains; ++k) acc[k] = _mm512_set1_epi32(k);
  const __m512i a = _mm512_set1_epi8(3);
  const __m512i b = _mm512_set1_epi8(-5);
  for (std::int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 24
    for (int k = 0; k < kChains; ++k) {
      // In place: GCC 12 copies the sum for the intrinsic, and the copies would be measured.
      asm volatile("vpdpbusd %2, %1, %0" : "+v"(acc[k]) : "v"(a), "v"(b));
    }
  }
#pragma GCC unroll 24
  for (int k = 1; k < kChains; ++k) acc[0] = _mm512_add_epi32(acc[0], acc[k]);
  return static_cast<float>(_mm512_cvtsi512_si32(acc[0]));
}

std::vector<Loop> loops() {
  std::vector<Loop> out;
  switch (kernels::detect_isa()) {
    case kernels::Isa::kAvx512: out.push_back({"fp32", "avx512", fma_avx512, 24 * 16 * 2}); break;
    case kernels::Isa::kAvx2: out.push_back({"fp32", "avx2", fma_avx2, 12 * 8 * 2}); break;
    case kernels::Isa::kGeneric: out.push_back({"fp32", "generic", fma_generic, 32 * 2}); break;
  }
  if (kernels::has_fast_bf16()) out.push_back({"bf16", "avx512_bf16", dot_bf16, 24 * 32 * 2});
  if (kernels::has_fast_int8()) out.push_back({"int8", "avx512_vnni", dot_int8, 24 * 64 * 2});
  return out;
}
#else
std::vector<Loop> loops() { return {{"fp32", "generic", fma_generic, 32 * 2}}; }
#endif

Status run_threads(const Loop& loop, std::int64_t rounds, int threads) {
  std::vector<std::thread> others;
  std::vector<float> sums(static_cast<std::size_t>(threads));
  for (int t = 1; t < threads; ++t) {
    others.emplace_back([&, t] { sums[static_cast<std::size_t>(t)] = loop.run(rounds); });
  }
  sums[0] = loop.run(rounds);
  for (std::thread& other : others) other.join();
  for (const float sum : sums) MIEN_CHECK(sum == sum);
  return {};
}

}  // namespace

Status run_peak(const Plan& plan, const std::vector<int>& threads) {
  constexpr double kFlopsPerSample =
      2e10;  // a tenth of a second or so: starting threads is nothing
  for (const Loop& loop : loops()) {
    const auto rounds = static_cast<std::int64_t>(kFlopsPerSample / loop.flops_per_round);
    for (const int count : threads) {
      MIEN_ASSIGN_OR_RETURN(const auto samples,
                            measure(plan, [&] { return run_threads(loop, rounds, count); }));
      Json facts = Json::object();
      facts.set("group", "peak");
      facts.set("precision", loop.type);
      facts.set("isa", loop.isa);
      facts.set("threads", count);
      facts.set("flops", static_cast<double>(rounds) * loop.flops_per_round * count);
      report(std::move(facts), samples);
    }
  }
  return {};
}

}  // namespace mien::bench
