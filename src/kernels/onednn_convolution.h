#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "kernels/convolution.h"

namespace mien::kernels {

/// A convolution through oneDNN, divided into parts that its kernels compute with one thread each:
/// one picture, or some lines of one when there are few pictures. The parts depend only on the
/// sizes, so that results depend neither on the number of threads nor on the rest of a batch.
/// Threads: immutable; safe from several threads.
class OneDnnConvolution {
 public:
  /// `values` is [out, in, kernel, kernel]. Errors: throws dnnl::error.
  OneDnnConvolution(std::vector<float> values, std::vector<float> bias, std::int64_t in,
                    std::int64_t out, std::int64_t kernel, const ConvolutionOptions& options);

  /// As Convolution::run. Errors: throws dnnl::error.
  void run(const void* src, std::int64_t count, std::int64_t height, std::int64_t width, void* dst,
           Workspace& workspace) const;

 private:
  struct Part {
    dnnl::convolution_forward primitive;
    dnnl::memory::desc src, dst, scratchpad;
    dnnl::memory weight;
  };
  /// In input lines; the borders above and below are zeros.
  struct Lines {
    std::int64_t first, count, above, below;
  };
  using Size = std::array<std::int64_t, 4>;  // lines, width, border above, border below

  Lines lines_of(std::int64_t first, std::int64_t last, std::int64_t height) const;
  std::int64_t cuts(std::int64_t count, std::int64_t out_height, std::int64_t out_width) const;
  dnnl::convolution_forward::primitive_desc describe(const Size& size) const;
  dnnl::memory weights_as(const dnnl::memory::desc& wanted) const;
  std::shared_ptr<const Part> part(const Size& size) const;

  std::int64_t in_, out_, kernel_;
  ConvolutionOptions options_;
  bool winograd_;
  std::vector<float> values_, bias_values_;
  dnnl::memory bias_;
  mutable std::mutex mutex_;
  mutable std::vector<dnnl::memory> weights_;  // in every layout that a part needed so far
  mutable std::map<Size, std::shared_ptr<const Part>> parts_;
};

}  // namespace mien::kernels
