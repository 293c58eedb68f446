#include "mien/engine/bundle.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>

#include "checkpoint/safetensors.h"
#include "core/file.h"
#include "engine/tiny_bundle.h"
#include "support/test_support.h"
#include "text/tokenizer.h"

namespace mien::engine {
namespace {

using test::TempDir;

class BundleTest : public ::testing::Test {
 protected:
  void SetUp() override { MIEN_ASSERT_OK(write_tiny_bundle(path_)); }

  Json info() { return *Json::parse(*read_text_file(path_ / "bundle.json", 1 << 20)); }
  Status load_with(const Json& json) {
    const Status written = write_file_atomically(path_ / "bundle.json", json.dump());
    if (!written.ok()) return written;
    return Bundle::load(path_).status();
  }
  Status rewrite_weights(const std::function<void(checkpoint::NamedTensors&)>& change) {
    const auto weights = checkpoint::open_safetensors(path_ / "model.safetensors");
    if (!weights.ok()) return weights.status();
    checkpoint::NamedTensors tensors;
    for (const auto& [name, view] : (*weights)->tensors()) tensors.emplace_back(name, view);
    change(tensors);
    const Status written = checkpoint::write_safetensors(path_ / "model.safetensors", tensors);
    return written.ok() ? Bundle::load(path_).status() : written;
  }

  TempDir dir_;
  std::filesystem::path path_ = dir_ / "tiny";
};

TEST_F(BundleTest, LoadsWhatWasWritten) {
  const auto bundle = Bundle::load(path_);
  MIEN_ASSERT_OK(bundle);
  EXPECT_EQ((*bundle)->info().name, "tiny-random");
  EXPECT_EQ((*bundle)->info().labels.size(), 7U);
  MIEN_EXPECT_CODE((*bundle)->verify_hashes(), StatusCode::kOk);
  MIEN_ASSERT_OK((*bundle)->tokenizer());
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) bytes += entry.file_size();
  EXPECT_LT(bytes, 1U << 20);
}

TEST_F(BundleTest, InfoRoundTrips) {
  const auto bundle = Bundle::load(path_);
  MIEN_ASSERT_OK(bundle);
  const Json json = (*bundle)->info().to_json();
  const auto again = BundleInfo::parse(json.dump(), "x");
  MIEN_ASSERT_OK(again);
  EXPECT_EQ(again->to_json(), json);
}

TEST_F(BundleTest, LoadsFromATar) {
  const std::string tar = (dir_ / "tiny.tar").string();
  const std::string command = "tar -cf " + tar + " -C " + dir_.path().string() + " tiny";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const auto bundle = Bundle::load(tar);
  MIEN_ASSERT_OK(bundle);
  MIEN_EXPECT_CODE((*bundle)->verify_hashes(), StatusCode::kOk);
  MIEN_ASSERT_OK((*bundle)->image_encoder());
  MIEN_ASSERT_OK((*bundle)->tokenizer());
}

TEST_F(BundleTest, IsNotOverwrittenUnasked) {
  MIEN_EXPECT_CODE(write_tiny_bundle(path_), StatusCode::kInvalidArgument);
  MIEN_ASSERT_OK(write_tiny_bundle(path_, {.seed = 2, .overwrite = true}));
  MIEN_ASSERT_OK(Bundle::load(path_));
  int entries = 0;
  for ([[maybe_unused]] const auto& e : std::filesystem::directory_iterator(dir_.path())) ++entries;
  EXPECT_EQ(entries, 1);
}

TEST_F(BundleTest, AFolderThatIsNoBundleIsNotReplaced) {
  std::filesystem::create_directories(dir_ / "photos");
  std::ofstream(dir_ / "photos" / "a.jpg") << "x";
  MIEN_EXPECT_CODE(write_tiny_bundle(dir_ / "photos", {.overwrite = true}),
                   StatusCode::kInvalidArgument);
  EXPECT_TRUE(std::filesystem::exists(dir_ / "photos" / "a.jpg"));
  std::filesystem::create_directories(dir_ / "empty");
  MIEN_ASSERT_OK(write_tiny_bundle(dir_ / "empty", {.overwrite = true}));
  MIEN_ASSERT_OK(Bundle::load(dir_ / "empty"));
}

// What --overwrite may not do: empty a folder because a bundle is in it, too.
TEST_F(BundleTest, OtherFilesInTheFolderOfABundleAreKept) {
  std::ofstream(path_ / "notes.txt") << "mine";
  std::filesystem::create_directories(path_ / "data");
  const Status refused = write_tiny_bundle(path_, {.seed = 2, .overwrite = true});
  MIEN_EXPECT_CODE(refused, StatusCode::kInvalidArgument);
  EXPECT_NE(refused.message().find("data, notes.txt"), std::string::npos) << refused.message();
  EXPECT_TRUE(std::filesystem::exists(path_ / "notes.txt"));
  EXPECT_TRUE(std::filesystem::exists(path_ / "data"));
  MIEN_ASSERT_OK(Bundle::load(path_));
}

TEST_F(BundleTest, ALinkToABundleStaysALink) {
  std::filesystem::create_directory_symlink("tiny", dir_ / "link");
  std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
  MIEN_ASSERT_OK(write_tiny_bundle(dir_ / "link", {.text_tower = false, .overwrite = true}));
  EXPECT_TRUE(std::filesystem::is_symlink(dir_ / "link"));
  EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms::owner_all);
  const auto bundle = Bundle::load(path_);
  MIEN_ASSERT_OK(bundle);
  EXPECT_FALSE((*bundle)->has_text_tower());
  EXPECT_FALSE(std::filesystem::exists(path_ / "tokenizer.txt"));  // of the old one
}

TEST_F(BundleTest, AFileIsNotReplacedByAFolder) {
  std::ofstream(dir_ / "empty");
  std::filesystem::create_symlink("nowhere", dir_ / "dangling");
  for (const char* name : {"empty", "dangling"}) {
    MIEN_EXPECT_CODE(write_tiny_bundle(dir_ / name, {.overwrite = true}),
                     StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(std::filesystem::is_regular_file(dir_ / "empty"));
}

TEST_F(BundleTest, SamplingFitsTheTemporalModel) {
  ASSERT_TRUE(write_tiny_bundle(dir_ / "temporal", {.temporal = true}).ok());
  const auto bundle = Bundle::load(dir_ / "temporal");
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();
  BundleInfo info = (*bundle)->info();
  info.sampling.frames = max_frames_of(*info.architecture.temporal);
  EXPECT_TRUE(BundleInfo::parse(info.to_json().dump(), "b").ok());
  ++info.sampling.frames;
  EXPECT_EQ(BundleInfo::parse(info.to_json().dump(), "b").status().message(),
            "b: sampling takes 16 frames (expected at most 15, as the temporal model)");
}

TEST_F(BundleTest, AChangedFileFailsItsHash) {
  std::ofstream(path_ / "CARD.md", std::ios::app) << "more";
  const auto bundle = Bundle::load(path_);
  MIEN_ASSERT_OK(bundle);
  MIEN_EXPECT_CODE((*bundle)->verify_hashes(), StatusCode::kCorrupt);
}

TEST_F(BundleTest, NamesWhatIsMissing) {
  MIEN_EXPECT_CODE(Bundle::load(dir_ / "none"), StatusCode::kNotFound);
  MIEN_EXPECT_CODE(Bundle::load(dir_.path()), StatusCode::kNotFound);
  std::filesystem::remove(path_ / "tokenizer.txt");
  const auto bundle = Bundle::load(path_);
  MIEN_ASSERT_OK(bundle);
  MIEN_EXPECT_CODE((*bundle)->tokenizer(), StatusCode::kNotFound);
  std::filesystem::remove(path_ / "model.safetensors");
  MIEN_EXPECT_CODE(Bundle::load(path_), StatusCode::kNotFound);
}

TEST_F(BundleTest, RejectsBrokenInfo) {
  const Json good = info();
  for (const char* key :
       {"name", "architecture", "preprocess", "crop", "sampling", "labels", "logit_scale",
        "temperature", "unknown", "licence", "provenance", "files"}) {
    Json json = Json::object();
    for (const auto& [name, value] : good.as_object()) {
      if (name != key) json.set(name, value);
    }
    EXPECT_EQ(load_with(json).code(), StatusCode::kCorrupt) << key;
  }
  Json json = good;
  json.set("surprise", 1);
  EXPECT_EQ(load_with(json).code(), StatusCode::kCorrupt);
  json = good;
  json.set("format_version", 3);
  EXPECT_EQ(load_with(json).code(), StatusCode::kUnsupported);
  json = good;
  json.set("temperature", 0);
  EXPECT_EQ(load_with(json).code(), StatusCode::kCorrupt);
  json = good;
  Json files = Json::object();
  files.set("../outside", std::string(64, 'a'));
  json.set("files", files);
  EXPECT_EQ(load_with(json).code(), StatusCode::kCorrupt);
  json = good;
  json.set("labels", Json::Array{Json::object()});
  EXPECT_EQ(load_with(json).code(), StatusCode::kCorrupt);
  EXPECT_TRUE(load_with(good).ok());
}

class RegressionBundleTest : public BundleTest {
 protected:
  void SetUp() override {
    MIEN_ASSERT_OK(write_tiny_bundle(path_, {.temporal = true, .targets = {"a", "b"}}));
  }
  Status with_targets(std::string_view text) {
    Json json = info();
    json.set("targets", *Json::parse(text));
    return load_with(json);
  }
};

TEST_F(RegressionBundleTest, LoadsAndRoundTrips) {
  const auto bundle = Bundle::load(path_);
  MIEN_ASSERT_OK(bundle);
  ASSERT_EQ((*bundle)->info().targets.size(), 2U);
  EXPECT_EQ((*bundle)->info().targets[1].name, "b");
  EXPECT_FALSE((*bundle)->info().targets[1].range.has_value());
  const auto head = (*bundle)->regressor();
  MIEN_ASSERT_OK(head);
  EXPECT_EQ((*head)->targets(), 2);
  MIEN_ASSERT_OK(
      with_targets(R"([{"name": "a", "range": [1, 7]}, {"name": "b", "range": [-0.5, 0.25]}])"));
  const BundleInfo ranged = Bundle::load(path_).value()->info();
  EXPECT_EQ(ranged.targets[1].range, (std::pair<double, double>(-0.5, 0.25)));
  EXPECT_EQ(BundleInfo::parse(ranged.to_json().dump(), "x")->targets, ranged.targets);
}

TEST_F(RegressionBundleTest, RejectsTargetsThatDoNotFit) {
  for (const char* broken :
       {"3", "null", "[]", R"([{"name": "a", "range": null}])",
        R"([{"name": "a", "range": null}, {"name": "a", "range": null}])",
        R"([{"name": "", "range": null}, {"name": "b", "range": null}])",
        R"([{"name": 1, "range": null}, {"name": "b", "range": null}])",
        R"([{"name": "a"}, {"name": "b", "range": null}])",
        R"([{"name": "a", "range": [7, 1]}, {"name": "b", "range": null}])",
        R"([{"name": "a", "range": [1]}, {"name": "b", "range": null}])",
        R"([{"name": "a", "range": [1, "x"]}, {"name": "b", "range": null}])",
        R"([{"name": "a", "range": {}}, {"name": "b", "range": null}])",
        R"([{"name": "a", "range": null, "unit": "mm"}, {"name": "b", "range": null}])",
        R"([1, 2])"}) {
    EXPECT_EQ(with_targets(broken).code(), StatusCode::kCorrupt) << broken;
  }
  Json name = Json::array();
  for (const char* letter : {"a", "b"}) {
    Json item = Json::object();
    item.set("name", std::string(1001, *letter));
    item.set("range", nullptr);
    name.push_back(std::move(item));
  }
  EXPECT_EQ(with_targets(name.dump()).code(), StatusCode::kCorrupt);
}

TEST_F(BundleTest, RejectsTargetsWithoutAHead) {
  Json json = info();
  json.set("targets", *Json::parse(R"([{"name": "a", "range": null}])"));
  EXPECT_EQ(load_with(json).message(),
            (path_ / "bundle.json").string() +
                ": 'targets' does not fit (expected 0 of them, as architecture.regression says)");
}

TEST_F(RegressionBundleTest, RejectsATensorOfTheHeadThatIsMissing) {
  EXPECT_EQ(
      rewrite_weights([](checkpoint::NamedTensors& tensors) {
        std::erase_if(tensors, [](const auto& item) { return item.first == "mlp.2.bias"; });
      }).message(),
      (path_ / "model.safetensors").string() + ": 'mlp.2.bias' is missing (expected shape [2])");
}

TEST_F(RegressionBundleTest, RejectsATensorOfTheHeadOfAnotherShapeOrType) {
  const Tensor wide(DType::kF32, {16, 33});
  const Tensor ints(DType::kI64, {2});
  const auto with = [&](const char* name, TensorView view) {
    return rewrite_weights([&](checkpoint::NamedTensors& tensors) {
      for (auto& [key, value] : tensors) {
        if (key == name) value = view;
      }
    });
  };
  EXPECT_EQ(with("mlp.0.weight", wide).code(), StatusCode::kCorrupt);
  MIEN_ASSERT_OK(write_tiny_bundle(path_, {.targets = {"a", "b"}, .overwrite = true}));
  EXPECT_EQ(with("mlp.2.bias", ints).code(), StatusCode::kUnsupported);
}

TEST_F(BundleTest, RejectsAHeadThatTheArchitectureHasNot) {
  const Tensor weight(DType::kF32, {2, 32});
  EXPECT_EQ(rewrite_weights([&](checkpoint::NamedTensors& tensors) {
              tensors.emplace_back("mlp.0.weight", weight.view());
            }).code(),
            StatusCode::kCorrupt);
  MIEN_ASSERT_OK(write_tiny_bundle(path_, {.overwrite = true}));
  EXPECT_EQ(Bundle::load(path_).value()->regressor().value(), nullptr);
}

TEST_F(BundleTest, RejectsTensorsThatDoNotFit) {
  const Tensor wrong(DType::kF32, {64, 33});
  const auto with = [&](const char* name, TensorView view) {
    return rewrite_weights([&](checkpoint::NamedTensors& tensors) {
      for (auto& [key, value] : tensors) {
        if (key == name) value = view;
      }
    });
  };
  EXPECT_EQ(with("visual.proj", wrong).message(),
            (path_ / "model.safetensors").string() +
                ": 'visual.proj' has shape [64, 33] (expected [64, 32])");
}

TEST_F(BundleTest, RejectsTensorsOfOtherTypes) {
  const Tensor ints(DType::kI64, {64, 32});
  EXPECT_EQ(rewrite_weights([&](checkpoint::NamedTensors& tensors) {
              for (auto& [key, value] : tensors) {
                if (key == "visual.proj") value = ints.view();
              }
            }).code(),
            StatusCode::kUnsupported);
}

TEST_F(BundleTest, RejectsMissingAndExtraTensors) {
  EXPECT_EQ(rewrite_weights([](checkpoint::NamedTensors& t) { t.pop_back(); }).code(),
            StatusCode::kCorrupt);
}

TEST_F(BundleTest, RejectsExtraTensors) {
  const Tensor extra(DType::kF32, {1});
  EXPECT_EQ(rewrite_weights([&](checkpoint::NamedTensors& t) {
              t.emplace_back("extra", extra.view());
            }).code(),
            StatusCode::kCorrupt);
}

// One learned text per text of the labels, and how several become one score.
TEST_F(BundleTest, LearnedTextsAndReduction) {
  // Without a text tower the embeddings of the labels are stored.
  MIEN_ASSERT_OK(write_tiny_bundle(path_, {.text_tower = false, .overwrite = true}));
  Json json = info();
  std::size_t texts = 0;
  for (const Json& label : json.find("labels")->as_array()) texts += label.find("texts")->size();
  const auto learned = [&](std::size_t count, const std::string& token) {
    std::string out = "[";
    for (std::size_t i = 0; i < count; ++i) out += (i > 0 ? "," : "") + token;
    return *Json::parse(out + "]");
  };
  const std::string token = R"([[{"word": "grin", "distance": 0.5}]])";
  json.set("reduce", "mean-cosine");
  json.set("learned", learned(texts, token));
  MIEN_ASSERT_OK(load_with(json));
  const auto bundle = Bundle::load(path_);
  EXPECT_EQ((*bundle)->info().reduce, Reduce::kMeanCosine);
  ASSERT_EQ((*bundle)->info().learned.size(), texts);
  EXPECT_EQ((*bundle)->info().learned[0].tokens[0][0].word, "grin");
  EXPECT_EQ((*bundle)->info().to_json().dump().find("\"distance\":0.5") == std::string::npos,
            false);
  const auto refuse = [&](const std::string& key, const Json& value) {
    Json bad = json;
    bad.set(key, value);
    MIEN_EXPECT_CODE(load_with(bad), StatusCode::kCorrupt) << key << value.dump();
  };
  refuse("reduce", "median");
  refuse("reduce", 3);
  refuse("learned", learned(texts - 1, token));
  refuse("learned", learned(texts, "[]"));
  refuse("learned", learned(texts, "[[]]"));
  refuse("learned", learned(texts, R"([[{"word": "grin"}]])"));
  refuse("learned", learned(texts, R"([[{"word": 3, "distance": 1}]])"));
  refuse("learned", learned(texts, R"([[{"word": "a", "distance": 1, "more": 1}]])"));
  refuse("learned", learned(texts, R"([[{"word": "a", "distance": -1}]])"));
  refuse("learned", "no list");
  MIEN_ASSERT_OK(load_with(json));
  // Nothing could stand for learned texts but their stored embeddings.
  MIEN_EXPECT_CODE(rewrite_weights([](checkpoint::NamedTensors& tensors) {
                     std::erase_if(tensors, [](const auto& item) {
                       return item.first == Bundle::kLabelFeatures;
                     });
                   }),
                   StatusCode::kCorrupt);
}

}  // namespace
}  // namespace mien::engine
