// Recall and false positives on the shared photographs; skipped where these are not available.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "face/assign.h"
#include "mien/face/finder.h"
#include "mien/image/decode.h"
#include "support/test_support.h"

namespace mien::face {
namespace {

struct Photo {
  std::vector<image::Box> faces;
  bool complete = true;
};

std::map<std::string, Photo> read_truth(const std::filesystem::path& csv) {
  std::map<std::string, Photo> out;
  std::ifstream in(csv);
  std::string line;
  std::getline(in, line);  // path,width,height,x,y,w,h,box_source,complete,split
  while (std::getline(in, line)) {
    std::vector<std::string> f;
    std::stringstream fields(line);
    for (std::string field; std::getline(fields, field, ',');) f.push_back(field);
    if (f.size() < 9) continue;
    Photo& photo = out[f[0]];
    photo.complete = f[8] != "0";
    if (f[3].empty() || f[7].starts_with("none")) continue;
    photo.faces.push_back({std::stof(f[3]), std::stof(f[4]), std::stof(f[5]), std::stof(f[6])});
  }
  return out;
}

bool unpack(const std::string& set, const std::string& members, const test::TempDir& into) {
  const std::string command = "tar -xf '" + (test::shared_data() / (set + ".tar")).string() +
                              "' -C '" + into.path().string() + "' --wildcards '" + members + "'";
  return std::system(command.c_str()) == 0;
}

TEST(Photos, RecallAndFalseAlarms) {
  if (test::shared_data().empty()) GTEST_SKIP() << "no shared data (set MIEN_DATA)";
  const test::TempDir folder;
  ASSERT_TRUE(unpack("photos", "*.[jp][pn]g", folder));
  auto finder = make_finder({.landmarks = false});
  MIEN_ASSERT_OK(finder);
  std::size_t faces = 0;
  int found = 0;
  std::size_t false_alarms = 0;
  for (const auto& [path, photo] : read_truth(test::shared_data() / "photos.csv")) {
    const auto picture = image::load(folder / path);
    MIEN_ASSERT_OK(picture);
    const auto result = (*finder)->find(*picture, path);
    MIEN_ASSERT_OK(result);
    std::vector<image::Box> boxes;
    for (const Face& face : *result) boxes.push_back(face.box);
    std::size_t hits = 0;
    std::vector<Pair> pairs;
    for (std::size_t i = 0; i < photo.faces.size(); ++i) {
      for (std::size_t j = 0; j < boxes.size(); ++j) {
        const float overlap = image::iou(photo.faces[i], boxes[j]);
        if (overlap >= 0.3F) pairs.push_back({i, j, overlap});
      }
    }
    for (const int partner : assign(photo.faces.size(), pairs)) hits += partner >= 0 ? 1 : 0;
    faces += photo.faces.size();
    found += static_cast<int>(hits);
    if (photo.complete) false_alarms += boxes.size() - hits;
    if (photo.faces.empty()) {
      EXPECT_TRUE(boxes.empty()) << path;
    }
  }
  ASSERT_GE(faces, 70U);
  EXPECT_GE(static_cast<double>(found) / static_cast<double>(faces), 0.95);
  EXPECT_EQ(false_alarms, 0U);
}

/// Share of pictures in which a face is found or that are taken as whole.
double accepted(const std::filesystem::path& folder, std::size_t most) {
  auto finder = make_finder({.landmarks = false});
  EXPECT_EQ(test::problem_of(finder), "");
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  if (files.size() > most) files.resize(most);
  int taken = 0;
  for (const auto& file : files) {
    const auto picture = image::load(file);
    EXPECT_EQ(test::problem_of(picture), "");
    if (!picture.ok()) continue;
    const auto faces = (*finder)->find(*picture, file.filename().string());
    taken += faces.ok() && !faces->empty() ? 1 : 0;
  }
  return files.empty() ? 0 : taken / static_cast<double>(files.size());
}

TEST(Photos, TightCropsAreTaken) {
  if (test::shared_data().empty()) GTEST_SKIP() << "no shared data (set MIEN_DATA)";
  const test::TempDir lfw;
  ASSERT_TRUE(unpack("lfwexpr", "*/happy/*", lfw));
  EXPECT_GE(accepted(lfw.path(), 40), 0.99);
  const test::TempDir fer;
  ASSERT_TRUE(unpack("fer2013", "fer2013/val/disgust/*", fer));
  EXPECT_GE(accepted(fer.path(), 60), 0.9);
}

}  // namespace
}  // namespace mien::face
