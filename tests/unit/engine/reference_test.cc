#include "mien/engine/reference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "core/file.h"
#include "engine/tiny_bundle.h"
#include "mien/engine/label_scorer.h"
#include "support/test_support.h"
#include "text/tokenizer.h"

namespace mien::engine {
namespace {

// Classes "a" and "b" of two faces each, in a plane of one direction in two dimensions.
ReferenceInfo two_classes() {
  ReferenceInfo out;
  out.classes = {{"a", 2, 0.75}, {"b", 2, 0.25}};
  out.directions = 1;
  out.far = 0.5;
  out.far_unit = 0.25;
  out.level = 0.1;
  out.threshold = 7;
  out.slope = 2;
  out.offset = -1;
  out.words = {"happy", "smile"};
  return out;
}
const std::vector<float> kFaces = {1, 0, 1, 0, 0, 1, 0, 1};
const std::vector<float> kBasis = {0, 0, 1, 0};  // the centre, and the direction

TEST(Reference, StandardisesEveryClassAlike) {
  ReferenceInfo info = two_classes();
  info.classes[0].faces = 3;  // more faces do not make a class weigh more
  const Reference reference(info, {1, 0, 1, 0, 1, 0, 0, 1, 0, 1}, kBasis, 2);
  const std::vector<double> cosines = {0.9, 0.9, 0.9, 0.1, 0.1};
  const LabelFit fit = reference.fit(cosines, 1);
  EXPECT_NEAR(fit.mean[0], 0.5, 1e-12);
  EXPECT_NEAR(fit.deviation[0], 0.4, 1e-12);
}

TEST(Reference, TheThresholdIsThatOfTheClassesThatTheLabelsName) {
  ReferenceInfo info = two_classes();
  info.level = 0.15;
  // Of eight classes, the label's faces are those of the first.
  info.classes.clear();
  std::vector<float> faces;
  std::vector<double> cosines;
  for (int c = 0; c < 8; ++c) {
    info.classes.push_back({std::string(1, static_cast<char>('a' + c)), 10, 0.125});
    for (int f = 0; f < 10; ++f) {
      faces.insert(faces.end(), {1, 0});
      cosines.push_back(c == 0 ? 0.5 + 0.01 * f : 0.0);
    }
  }
  const Reference reference(info, faces, kBasis, 2);
  const LabelFit fit = reference.fit(cosines, 1);
  // One of ten faces of its class is below, which is less than the level; two would be more.
  EXPECT_NEAR(fit.threshold, (0.51 - fit.mean[0]) / fit.deviation[0], 1e-9);
  // A label that fits no class better than another has the stored threshold.
  for (std::size_t f = 0; f < cosines.size(); ++f) cosines[f] = f % 2 == 0 ? 0.1 : 0.2;
  EXPECT_EQ(reference.fit(cosines, 1).threshold, 7);
}

TEST(Reference, MoreLabelsNeverMakeAFaceLessKnown) {
  ReferenceInfo info = two_classes();
  const Reference reference(info, kFaces, kBasis, 2);
  const std::vector<double> one = {0.9, 0.8, 0.1, 0.0};
  std::vector<double> both;  // the same label twice, a little apart
  for (const double c : one) both.insert(both.end(), {c, c - 0.01});
  const std::vector<float> face = {0.5F, 0};
  const double alone = known_score(reference, reference.fit(one, 1), face, std::vector{0.85});
  const double beside =
      known_score(reference, reference.fit(both, 2), face, std::vector{0.85, 0.84});
  EXPECT_NEAR(alone, beside, 1e-9);
}

TEST(Reference, WhatIsFarFromThePlaneIsUnknown) {
  const Reference reference(two_classes(), kFaces, kBasis, 2);
  EXPECT_NEAR(reference.distance(std::vector<float>{0.9F, 0.25F}), 0.25, 1e-6);
  EXPECT_NEAR(reference.nearness(std::vector<float>{0.9F, 0.25F}), 1, 1e-6);
  EXPECT_NEAR(reference.nearness(std::vector<float>{0.9F, 1}), -2, 1e-6);
  const LabelFit fit{{0.0}, {1.0}, 0.0};
  EXPECT_LT(known_score(reference, fit, std::vector<float>{0.9F, 1}, std::vector{5.0}), 0);
}

TEST(Reference, IsReadBack) {
  const ReferenceInfo info = two_classes();
  const auto again = ReferenceInfo::parse(info.to_json(), "x", {});
  MIEN_ASSERT_OK(again);
  EXPECT_EQ(*again, info);
}

TEST(Reference, DamagedInfoIsRefused) {
  const Json good = two_classes().to_json();
  for (const auto& [key, unused] : good.as_object()) {
    Json json = Json::object();
    for (const auto& [name, value] : good.as_object()) {
      if (name != key) json.set(name, value);
    }
    MIEN_EXPECT_CODE(ReferenceInfo::parse(json, "x", {}), StatusCode::kCorrupt) << key;
  }
  const auto with = [&](const char* key, Json value) {
    Json json = good;
    json.set(key, std::move(value));
    return ReferenceInfo::parse(json, "x", {}).status().code();
  };
  EXPECT_EQ(with("surprise", 1), StatusCode::kCorrupt);
  EXPECT_EQ(with("level", 1.5), StatusCode::kCorrupt);
  EXPECT_EQ(with("far_unit", 0), StatusCode::kCorrupt);
  EXPECT_EQ(with("directions", -1), StatusCode::kCorrupt);
  EXPECT_EQ(with("slope", -1), StatusCode::kCorrupt);
  EXPECT_EQ(with("classes", Json::array()), StatusCode::kCorrupt);
  Json unsorted = Json::array();
  unsorted.push_back("b");
  unsorted.push_back("a");
  EXPECT_EQ(with("words", unsorted), StatusCode::kCorrupt);
  ReferenceInfo twice = two_classes();
  twice.classes[1].name = "a";
  MIEN_EXPECT_CODE(ReferenceInfo::parse(twice.to_json(), "x", {}), StatusCode::kCorrupt);
  twice = two_classes();
  twice.classes[1].faces = 0;
  MIEN_EXPECT_CODE(ReferenceInfo::parse(twice.to_json(), "x", {}), StatusCode::kCorrupt);
}

// A tiny bundle with a reference of three classes. The faces of a class look like its word, and
// have nothing of the other two.
class ReferenceBundleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    MIEN_ASSERT_OK(write_tiny_bundle(dir_ / "plain"));
    plain_ = *Bundle::load(dir_ / "plain");
    const std::vector<std::string> texts = {"happy", "sad", "angry"};
    const auto rows = encode_texts(*plain_, texts, session_);
    MIEN_ASSERT_OK(rows);
    info_.classes = {{"happy", 2, 0.4}, {"sad", 2, 0.3}, {"angry", 2, 0.3}};
    info_.directions = 0;
    info_.far = 3;
    info_.slope = 3;
    info_.offset = -3;
    info_.threshold = 1;
    info_.words = {"happy", "sad"};
    for (std::size_t c = 0; c < 3; ++c) {
      std::vector<float> look = row_of(*rows, c);
      std::vector<float> first = row_of(*rows, (c + 1) % 3);
      std::vector<float> second = row_of(*rows, (c + 2) % 3);
      leave_out(first, second);
      leave_out(first, look);
      leave_out(second, look);
      const float length = std::sqrt(dot(look, look));
      for (float& v : look) v /= length;
      looks_.push_back(look);
      for (int twice = 0; twice < 2; ++twice) {
        faces_.insert(faces_.end(), look.begin(), look.end());
      }
    }
    basis_.assign(32, 0.0F);
  }

  static std::vector<float> row_of(const Tensor& rows, std::size_t row) {
    const auto from = rows.f32().subspan(row * 32, 32);
    return {from.begin(), from.end()};
  }
  static float dot(const std::vector<float>& a, const std::vector<float>& b) {
    float sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  }
  // What `row` has of `other` is taken away.
  static void leave_out(const std::vector<float>& other, std::vector<float>& row) {
    const float share = dot(other, row) / dot(other, other);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] -= share * other[i];
  }

  Result<std::shared_ptr<const Bundle>> write(const std::string& name) {
    BundleContent content;
    content.info = plain_->info();
    content.info.reference = info_;
    for (const auto& [tensor, view] : plain_->weights().tensors()) {
      content.tensors.emplace_back(tensor, view);
    }
    const auto rows = [](const std::vector<float>& values) {
      return Tensor::from_f32({static_cast<std::int64_t>(values.size() / 32), 32}, values);
    };
    const Tensor faces = rows(faces_), basis = rows(basis_);
    content.tensors.emplace_back(Reference::kFaces, faces.view());
    content.tensors.emplace_back(Reference::kBasis, basis.view());
    content.tokenizer = (*plain_->tokenizer())->file_text();
    content.card = "x";
    MIEN_RETURN_IF_ERROR(write_bundle(dir_ / name, std::move(content)));
    return Bundle::load(dir_ / name);
  }

  static text::LabelSet bare(const std::vector<std::string>& words) {
    text::LabelSet out{.name = "custom", .labels = {}};
    for (const std::string& word : words) out.labels.push_back({word, {word}, {}});
    return out;
  }

  test::TempDir dir_;
  std::shared_ptr<const Bundle> plain_;
  Session session_;
  ReferenceInfo info_;
  std::vector<float> faces_, basis_;
  std::vector<std::vector<float>> looks_;
};

TEST_F(ReferenceBundleTest, IsVersionTwoAndReadBack) {
  const auto bundle = write("two");
  MIEN_ASSERT_OK(bundle);
  EXPECT_EQ((*bundle)->info().reference, info_);
  ASSERT_NE((*bundle)->reference(), nullptr);
  const Json json = *Json::parse(*read_text_file(dir_ / "two" / "bundle.json", 1 << 20), {});
  EXPECT_EQ(*json_integer(json, "format_version", "x"), 2);
  // Bundles without one stay as they were, for programs of before.
  EXPECT_EQ(*json_integer(plain_->info().to_json(), "format_version", "x"), 1);
  EXPECT_EQ(plain_->reference(), nullptr);
  Json old = json;
  old.set("format_version", 1);
  MIEN_EXPECT_CODE(BundleInfo::parse(old.dump(), "x"), StatusCode::kCorrupt);
}

TEST_F(ReferenceBundleTest, TensorsThatDoNotFitAreRefused) {
  faces_.resize(faces_.size() - 32);
  MIEN_EXPECT_CODE(write("short"), StatusCode::kCorrupt);
  faces_.resize(faces_.size() + 32, std::nanf(""));
  MIEN_EXPECT_CODE(write("nan"), StatusCode::kCorrupt);
  faces_.resize(faces_.size() - 32);
  faces_.resize(faces_.size() + 32, 0.1F);
  basis_.resize(64, 0.0F);
  MIEN_EXPECT_CODE(write("basis"), StatusCode::kCorrupt);
}

TEST_F(ReferenceBundleTest, UnknownDoesNotGoByTheNumberOfLabels) {
  const auto bundle = write("two");
  MIEN_ASSERT_OK(bundle);
  const auto unknown = [&](const std::vector<std::string>& words, std::size_t look) {
    return (*LabelScorer::make(**bundle, bare(words), {}, session_))->score(looks_[look]).unknown;
  };
  // The same face is known however many labels it has to share a probability with, and not known
  // when no label fits.
  EXPECT_FALSE(unknown({"happy", "sad"}, 0));
  EXPECT_FALSE(unknown({"happy", "sad", "angry"}, 0));
  EXPECT_TRUE(unknown({"happy", "sad"}, 2));
  EXPECT_FALSE(unknown({"happy", "sad", "angry"}, 2));
  const auto off = LabelScorer::make(**bundle, bare({"happy", "sad"}),
                                     {.unknown = {UnknownChoice::Mode::kOff, 0}}, session_);
  EXPECT_FALSE((*off)->score(looks_[2]).unknown);
}

TEST_F(ReferenceBundleTest, ProbabilitiesOfSeveralLabelsAreTheSame) {
  const auto bundle = write("two");
  MIEN_ASSERT_OK(bundle);
  const text::LabelSet labels = bare({"happy", "sad", "angry"});
  const Scores with = (*LabelScorer::make(**bundle, labels, {}, session_))->score(looks_[1]);
  const Scores without = (*LabelScorer::make(*plain_, labels, {}, session_))->score(looks_[1]);
  ASSERT_EQ(with.labels.size(), without.labels.size());
  for (std::size_t i = 0; i < with.labels.size(); ++i) {
    EXPECT_EQ(with.labels[i].label, without.labels[i].label);
    EXPECT_EQ(with.labels[i].probability, without.labels[i].probability);
  }
  EXPECT_EQ(with.logits, without.logits);
}

TEST_F(ReferenceBundleTest, OneLabelIsAYesNoQuestion) {
  const auto bundle = write("two");
  MIEN_ASSERT_OK(bundle);
  const auto scorer = LabelScorer::make(**bundle, bare({"happy"}), {}, session_);
  MIEN_ASSERT_OK(scorer);
  EXPECT_EQ((*scorer)->names(), (std::vector<std::string>{"happy", "not happy"}));
  EXPECT_EQ(LabelScorer::names_of(**bundle, bare({"happy"})), (*scorer)->names());
  const Scores yes = (*scorer)->score(looks_[0]);
  EXPECT_EQ(yes.labels[0].label, "happy");
  EXPECT_GT(yes.labels[0].probability, 0.5F);
  EXPECT_NEAR(yes.labels[0].probability + yes.labels[1].probability, 1, 1e-6);
  const Scores no = (*scorer)->score(looks_[2]);
  EXPECT_EQ(no.labels[0].label, "not happy");
  EXPECT_FALSE(no.unknown) << "no is an answer";
  // The logits give the same by the softmax that everything else takes.
  const double temperature = (*bundle)->info().temperature;
  EXPECT_NEAR(1 / (1 + std::exp(-(yes.logits[0] - yes.logits[1]) / temperature)),
              static_cast<double>(yes.labels[0].probability), 1e-6);
}

TEST_F(ReferenceBundleTest, OneLabelWithoutAReferenceCompetesWithTheBasicOnes) {
  const auto scorer = LabelScorer::make(*plain_, bare({"happy"}), {.explain = true}, session_);
  MIEN_ASSERT_OK(scorer);
  const Scores scores = (*scorer)->score(looks_[0]);
  ASSERT_EQ(scores.labels.size(), 2U);
  EXPECT_NEAR(scores.labels[0].probability + scores.labels[1].probability, 1, 1e-6);
  EXPECT_LT(scores.labels[0].probability, 0.9999F);
  EXPECT_EQ(scores.reasons.size(), 1U);
}

TEST_F(ReferenceBundleTest, WordsNeverSeenBesideAFaceAreTold) {
  const auto bundle = write("two");
  MIEN_ASSERT_OK(bundle);
  const auto notes = [&](const char* words) {
    return *label_notes(**bundle, *text::load_labels(words));
  };
  EXPECT_TRUE(notes("\"happy and sad\",happy").empty());
  const auto told = notes("winking,happy");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0],
            "winking: never seen beside a face by tiny-random, which goes by the meaning alone");
  EXPECT_TRUE(label_notes(*plain_, *text::load_labels("winking,happy"))->empty());
}

TEST_F(ReferenceBundleTest, ABundleWithoutOneDropsTheTensors) {
  MIEN_ASSERT_OK(write("two"));
  const auto bundle = *Bundle::load(dir_ / "two");
  BundleContent content;
  content.info = plain_->info();
  for (const auto& [tensor, view] : bundle->weights().tensors()) {
    content.tensors.emplace_back(tensor, view);
  }
  content.tokenizer = (*plain_->tokenizer())->file_text();
  content.card = "x";
  MIEN_ASSERT_OK(write_bundle(dir_ / "again", std::move(content)));
  MIEN_ASSERT_OK(Bundle::load(dir_ / "again"));
}

}  // namespace
}  // namespace mien::engine
