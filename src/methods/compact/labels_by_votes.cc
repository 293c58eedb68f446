#include "methods/compact/labels_by_votes.h"

#include <ATen/ATen.h>
#include <torch/optim/lbfgs.h>
#include <torch/utils.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "data/captions.h"
#include "methods/compact/votes.h"

namespace mien::methods {
namespace {

constexpr std::size_t kAnswers = kVoteClasses + 2;  ///< the expressions, unknown, not a face
constexpr int kIterations = 100;
constexpr double kRidge = 1e-4;  ///< keeps the weights of rare answers finite

// Shares and their roots: the first vote says more than the tenth. Empty without votes.
std::vector<float> told(const data::ExpressionVotes& votes, std::int64_t left_out) {
  std::array<double, kAnswers> counts = {};
  std::copy(votes.expressions.begin(), votes.expressions.end(), counts.begin());
  counts[kVoteClasses] = votes.unknown;
  counts[kVoteClasses + 1] = votes.not_a_face;
  if (left_out >= 0) counts[static_cast<std::size_t>(left_out)] = 0;
  double sum = 0;
  for (const double count : counts) sum += count;
  if (sum == 0) return {};
  std::vector<float> out;
  for (const double count : counts) out.push_back(static_cast<float>(count / sum));
  for (const double count : counts) out.push_back(static_cast<float>(std::sqrt(count / sum)));
  return out;
}

// Weights [2 * kAnswers + 1, classes] of the regression; the last row is the bias.
torch::Tensor fit(const torch::Tensor& rows, const torch::Tensor& labels, std::int64_t classes) {
  torch::Tensor weights = torch::zeros({rows.size(1), classes}, torch::kFloat32);
  weights.set_requires_grad(true);
  torch::optim::LBFGS search(
      {weights},
      torch::optim::LBFGSOptions(1).max_iter(kIterations).line_search_fn("strong_wolfe"));
  search.step([&] {
    search.zero_grad();
    torch::Tensor loss = at::cross_entropy_loss(at::matmul(rows, weights), labels) +
                         kRidge / 2 * weights.square().sum();
    loss.backward();
    return loss;
  });
  return weights.detach();
}

}  // namespace

Result<torch::Tensor> labels_by_votes(const data::Manifest& manifest, const data::View& view,
                                      std::int64_t left_out) {
  const auto samples = static_cast<std::int64_t>(manifest.samples.size());
  constexpr auto kColumns = static_cast<std::int64_t>(2 * kAnswers + 1);
  torch::Tensor rows = torch::full({samples, kColumns}, std::numeric_limits<float>::quiet_NaN());
  std::vector<char> voted(manifest.samples.size(), 0);
  for (std::size_t i = 0; i < manifest.samples.size(); ++i) {
    MIEN_ASSIGN_OR_RETURN(const auto votes, data::votes_of(manifest.samples[i]));
    std::vector<float> row = votes ? told(*votes, left_out) : std::vector<float>{};
    if (row.empty()) continue;
    row.push_back(1);
    rows[static_cast<std::int64_t>(i)].copy_(torch::tensor(row));
    voted[i] = 1;
  }
  std::vector<std::int64_t> places, labels;
  for (const std::int64_t place : view) {
    const auto i = static_cast<std::size_t>(place);
    if (voted[i] == 0) continue;
    places.push_back(place);
    labels.push_back(manifest.samples[i].labels.front());
  }
  if (places.empty()) {
    return invalid_argument(
        "labels by votes: no training sample has votes (expected the columns fp_*)");
  }
  const torch::Tensor weights =
      fit(rows.index_select(0, torch::tensor(places, torch::kInt64)),
          torch::tensor(labels, torch::kInt64), static_cast<std::int64_t>(manifest.classes.size()));
  return at::softmax(at::matmul(rows, weights), 1);
}

}  // namespace mien::methods
