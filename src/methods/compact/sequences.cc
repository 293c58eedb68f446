#include "methods/compact/sequences.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "mien/core/check.h"

namespace mien::methods {
namespace {

constexpr float kShown = 0.6F;  // of its peak, from which a frame counts as showing the expression

class Draw {
 public:
  Draw(const SequencePictures& pictures, int length, const SequenceOptions& options, Rng& rng)
      : pictures_(pictures), options_(options), rng_(rng) {
    out_.frames.resize(static_cast<std::size_t>(length));
    out_.shows.assign(out_.frames.size(), 0);
  }

  Sequence run() {
    switch (kind()) {
      case 0: steady(pick_class(true)); break;
      case 1: rise(false); break;
      case 2: rise(true); break;
      case 3: neutral(); break;
      default: interrupted(); break;
    }
    if (rng_.uniform() < options_.glitch && out_.frames.size() > 4) {
      const auto at = static_cast<std::size_t>(rng_.below(out_.frames.size()));
      const std::int64_t other = picture(pick_class(true));
      out_.frames[at] = {other, other, 0};
      if (std::count(out_.shows.begin(), out_.shows.end(), 1) > 1) out_.shows[at] = 0;
    }
    return std::move(out_);
  }

 private:
  int kind() {
    const std::array<double, 5> shares = {options_.steady, options_.onset, options_.pulse,
                                          options_.neutral, options_.interrupted};
    double sum = 0;
    for (const double share : shares) sum += share;
    double at = rng_.uniform() * sum;
    for (int i = 0; i < 4; ++i) {
      if ((at -= shares[static_cast<std::size_t>(i)]) < 0) return i;
    }
    return 4;
  }

  int pick_class(bool with_neutral, int but = -1) {
    std::vector<int> open;
    for (std::size_t c = 0; c < pictures_.of_class.size(); ++c) {
      const int name = static_cast<int>(c);
      if (pictures_.of_class[c].empty() || name == but) continue;
      if (with_neutral || name != pictures_.neutral) open.push_back(name);
    }
    MIEN_CHECK(!open.empty());
    return open[static_cast<std::size_t>(rng_.below(open.size()))];
  }

  std::int64_t picture(int name) {
    const auto& all = pictures_.of_class[static_cast<std::size_t>(name)];
    return all[static_cast<std::size_t>(rng_.below(all.size()))];
  }

  void steady(int name) {
    const std::int64_t one = picture(name);
    std::fill(out_.frames.begin(), out_.frames.end(), SequenceFrame{one, one, 0});
    std::fill(out_.shows.begin(), out_.shows.end(), 1);
    out_.label = name;
  }

  // How strong the expression is at a moment of 0..1: it grows around `start`, and fades around
  // `end` when it does.
  static double strength(double at, double start, double end, double width) {
    const double up = 1 / (1 + std::exp(-(at - start) / width));
    const double down = 1 / (1 + std::exp((at - end) / width));
    return up * down;
  }

  void rise(bool fades) {
    const int name = pick_class(false);
    const std::int64_t from = picture(pictures_.neutral), to = picture(name);
    const double start = rng_.uniform(0.05, fades ? 0.5 : 0.75);
    const double end = fades ? rng_.uniform(start + 0.2, 1.0) : 10.0;
    const double width = rng_.uniform(0.02, 0.12), peak = rng_.uniform(0.6, 1.0);
    fill(
        from, to, [&](double at) { return peak * strength(at, start, end, width); }, name);
  }

  void neutral() {
    const std::int64_t from = picture(pictures_.neutral), to = picture(pick_class(false));
    const double peak = rng_.uniform(0, options_.faint), centre = rng_.uniform();
    for (std::size_t i = 0; i < out_.frames.size(); ++i) {
      const double away = (moment(i) - centre) / 0.15;
      out_.frames[i] = {from, to, static_cast<float>(peak * std::exp(-away * away))};
    }
    std::fill(out_.shows.begin(), out_.shows.end(), 1);
    out_.label = pictures_.neutral;
  }

  void interrupted() {
    const int name = pick_class(false);
    const std::int64_t one = picture(name), other = picture(pick_class(false, name));
    const double length = rng_.uniform(0.05, 0.25), start = rng_.uniform(0, 1 - length);
    for (std::size_t i = 0; i < out_.frames.size(); ++i) {
      const double at = moment(i);
      const bool away = at >= start && at < start + length;
      out_.frames[i] = {one, other, away ? 1.0F : 0.0F};
      out_.shows[i] = away ? 0 : 1;
    }
    out_.label = name;
  }

  template <class Strength>
  void fill(std::int64_t from, std::int64_t to, const Strength& strength_at, int name) {
    float most = 0;
    for (std::size_t i = 0; i < out_.frames.size(); ++i) {
      const auto share = static_cast<float>(strength_at(moment(i)));
      out_.frames[i] = {from, to, share};
      most = std::max(most, share);
    }
    const bool faint = static_cast<double>(most) < options_.faint;
    for (std::size_t i = 0; i < out_.frames.size(); ++i) {
      out_.shows[i] = faint || out_.frames[i].share >= kShown * most ? 1 : 0;
    }
    out_.label = faint ? pictures_.neutral : name;
  }

  double moment(std::size_t frame) const {
    return static_cast<double>(frame) / static_cast<double>(out_.frames.size() - 1);
  }

  const SequencePictures& pictures_;
  const SequenceOptions& options_;
  Rng& rng_;
  Sequence out_;
};

}  // namespace

void SequenceOptions::register_options(OptionSet& set) {
  set.add("steady", steady, "Share of sequences with one expression throughout", {0, 1000});
  set.add("onset", onset, "Share of those that start neutral and end with an expression",
          {0, 1000});
  set.add("pulse", pulse, "Share of those with an expression that comes and goes", {0, 1000});
  set.add("neutral", neutral, "Share of neutral ones", {0, 1000});
  set.add("interrupted", interrupted, "Share of those with a short other expression", {0, 1000});
  set.add("glitch", glitch, "Probability of one frame with an arbitrary picture", {0, 1});
  set.add("faint", faint, "Strength below which an expression counts as neutral", {0, 1});
}

Sequence draw_sequence(const SequencePictures& pictures, int length, const SequenceOptions& options,
                       Rng& rng) {
  MIEN_CHECK(length >= 3);
  return Draw(pictures, length, options, rng).run();
}

}  // namespace mien::methods
