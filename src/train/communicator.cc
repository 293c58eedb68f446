#include "train/communicator.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <chrono>
#include <exception>
#include <vector>

namespace mien::train {
namespace {

// The first line of LibTorch's message; a stack trace follows.
Status lost(const std::exception& error) {
  const std::string text = error.what();
  return io_error("processes: " + text.substr(0, text.find('\n')));
}

class Gloo final : public Communicator {
 public:
  Gloo(c10::intrusive_ptr<c10d::Store> store, const ProcessOptions& options)
      : rank_{options.rank, options.world} {
    auto gloo = c10d::ProcessGroupGloo::Options::create(
        std::chrono::milliseconds(std::chrono::seconds(options.timeout_seconds)));
    // The network device that reaches process 0, so that a run on one machine uses no other.
    gloo->devices.push_back(options.address == "127.0.0.1" || options.address == "localhost"
                                ? c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")
                                : c10d::ProcessGroupGloo::createDefaultDevice());
    group_ = c10::make_intrusive<c10d::ProcessGroupGloo>(std::move(store), options.rank,
                                                         options.world, gloo);
  }

  methods::Rank rank() const override { return rank_; }

  Status mean(torch::Tensor& values) override {
    try {
      std::vector<at::Tensor> tensors = {values};
      group_->allreduce(tensors)->wait();
      values.div_(rank_.world);
      return {};
    } catch (const std::exception& error) {
      return lost(error);
    }
  }

  Status broadcast(torch::Tensor& values) override {
    try {
      std::vector<at::Tensor> tensors = {values};
      group_->broadcast(tensors)->wait();
      return {};
    } catch (const std::exception& error) {
      return lost(error);
    }
  }

  Result<torch::Tensor> gather(const torch::Tensor& rows) override {
    try {
      std::vector<at::Tensor> input = {rows.detach().contiguous()};
      std::vector<std::vector<at::Tensor>> output(1);
      for (int i = 0; i < rank_.world; ++i) output[0].push_back(at::empty_like(input[0]));
      group_->allgather(output, input)->wait();
      return at::cat(output[0]);
    } catch (const std::exception& error) {
      return lost(error);
    }
  }

 private:
  methods::Rank rank_;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
};

}  // namespace

Result<std::unique_ptr<Communicator>> join_processes(const ProcessOptions& options) {
  if (options.world < 1 || options.rank < 0 || options.rank >= options.world) {
    return invalid_argument(fmt::format("processes: rank {} of {} (expected 0 to {})", options.rank,
                                        options.world, options.world - 1));
  }
  if (options.port < 1 || options.port > 65535) {
    return invalid_argument(fmt::format("processes: port {} (expected 1 to 65535)", options.port));
  }
  try {
    c10d::TCPStoreOptions store;
    store.port = static_cast<std::uint16_t>(options.port);
    store.isServer = options.rank == 0;
    store.numWorkers = static_cast<std::size_t>(options.world);
    store.timeout = std::chrono::seconds(options.timeout_seconds);
    return std::unique_ptr<Communicator>(
        new Gloo(c10::make_intrusive<c10d::TCPStore>(options.address, store), options));
  } catch (const std::exception& error) {
    return lost(error);
  }
}

}  // namespace mien::train
