#include "mien/kernels/cpu.h"

#include <algorithm>
#include <atomic>
#include <oneapi/dnnl/dnnl.hpp>

#include "core/cpus.h"
#include "core/thread_pool.h"

namespace mien::kernels {
namespace {

thread_local int own_threads = 0;  // 0: available_cpus()

// Process-wide by nature: it mirrors oneDNN's own setting.
std::atomic<Isa>& isa_limit() {
  static std::atomic<Isa> limit{Isa::kAvx512};
  return limit;
}

}  // namespace

std::string_view to_string(Isa isa) {
  switch (isa) {
    case Isa::kGeneric: return "generic";
    case Isa::kAvx2: return "avx2";
    case Isa::kAvx512: return "avx512";
  }
  return "generic";
}

std::optional<Isa> find_isa(std::string_view name) {
  for (const Isa isa : {Isa::kGeneric, Isa::kAvx2, Isa::kAvx512}) {
    if (to_string(isa) == name) return isa;
  }
  return std::nullopt;
}

#if defined(__x86_64__)
Isa detect_isa() {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    return Isa::kAvx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Isa::kAvx2;
  return Isa::kGeneric;
}
#else
Isa detect_isa() { return Isa::kGeneric; }
#endif

bool has_fast_bf16() { return dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core_bf16; }

bool has_fast_int8() {
  return dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core_vnni &&
         active_isa() == Isa::kAvx512;
}

Isa active_isa() { return std::min(detect_isa(), isa_limit().load()); }

Status limit_isa(Isa isa) {
  const auto wanted = isa == Isa::kGeneric ? dnnl::cpu_isa::sse41
                      : isa == Isa::kAvx2  ? dnnl::cpu_isa::avx2
                                           : dnnl::cpu_isa::all;
  if (dnnl::set_max_cpu_isa(wanted) != dnnl::status::success) {
    return unsupported(
        "instruction set: too late to limit it (expected before the first use of oneDNN)");
  }
  isa_limit() = isa;
  return {};
}

std::string dnnl_version() {
  const dnnl_version_t* const version = dnnl::version();
  return std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
         std::to_string(version->patch);
}

void set_threads(int count) { own_threads = count > 0 ? ThreadPool::threads_of(count) : 0; }

int threads() { return own_threads > 0 ? own_threads : available_cpus(); }

}  // namespace mien::kernels
