// Measures the pieces of mien and prints one JSON line per measurement; bench/run puts them beside
// the rivals'.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "faces.h"
#include "front.h"
#include "peak.h"
#include "profile.h"
#include "towers.h"

namespace {

int run(int argc, char** argv) {
  CLI::App app{"Measures the pieces of mien"};
  app.require_subcommand(1);
  mien::bench::Plan plan;
  mien::bench::TowerOptions towers{{}, {}, {}, {1, 16}, {1, 2}, {7, 1000}, {"fp32"}};
  std::string picture;
  std::vector<int> threads = {1, 2};
  app.add_option("--repeats", plan.repeats)->check(CLI::Range(1, 10000));
  app.add_option("--warmup", plan.warmup)->check(CLI::Range(0, 1000));
  app.add_option("--budget", plan.budget_s, "Seconds after which one case stops repeating");
  app.add_option("--threads", threads)->delimiter(',');

  auto* peak = app.add_subcommand("peak", "What the machine multiplies at most");
  auto* profile = app.add_subcommand("profile", "The operations of a block of ViT-B/16");
  auto* front = app.add_subcommand("front", "Decoding, resizing, detection");
  front->add_option("picture", picture)->required();
  std::string bundle;
  auto* face = app.add_subcommand("face", "One face crop to scores");
  auto* clip = app.add_subcommand("clip", "A clip from file to tracks");
  for (auto* one : {face, clip}) {
    one->add_option("bundle", bundle)->required();
    one->add_option("input", picture, "The crop, or the clip")->required();
  }
  auto* tower = app.add_subcommand("towers", "Image and text tower of a bundle");
  tower->add_option("bundle", towers.bundle)->required();
  tower->add_option("--pixels", towers.pixels, "Raw float32 pictures")->required();
  tower->add_option("--embeddings", towers.embeddings, "Write the embeddings to files NAME-...");
  tower->add_option("--batches", towers.batches)->delimiter(',');
  tower->add_option("--texts", towers.texts, "0: no texts")->delimiter(',');
  tower->add_option("--precisions", towers.precisions)->delimiter(',');
  auto* tokens = app.add_subcommand("tokens", "The texts that towers times, as a rival reads them");
  tokens->add_option("bundle", towers.bundle)->required();
  tokens->add_option("out", towers.embeddings, "Start of the files' names")->required();
  tokens->add_option("--texts", towers.texts)->delimiter(',');
  CLI11_PARSE(app, argc, argv);

  std::erase(towers.texts, 0);
  towers.threads = threads;
  const mien::Status status =
      peak->parsed()      ? mien::bench::run_peak(plan, threads)
      : profile->parsed() ? mien::bench::run_profile(plan, threads)
      : front->parsed()   ? mien::bench::run_front(picture, threads, plan)
      : face->parsed()    ? mien::bench::run_face(bundle, picture, threads, plan)
      : clip->parsed()    ? mien::bench::run_clip(bundle, picture, threads, plan)
      : tokens->parsed() ? mien::bench::write_tokens(towers.bundle, towers.embeddings, towers.texts)
                         : mien::bench::run_towers(towers, plan);
  if (status.ok()) return 0;
  std::fprintf(stderr, "mien_bench: %s\n", status.message().c_str());
  return 3;
}

}  // namespace

int main(int argc, char** argv) { return run(argc, argv); }
