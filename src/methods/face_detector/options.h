#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "methods/kit/common_training.h"
#include "methods/kit/recipe.h"
#include "mien/core/options.h"
#include "mien/engine/detector.h"

namespace mien::methods {

/// What pictures of faces are made from. Names are below the folder of data; pictures lie in
/// folders or in uncompressed tars.
struct FaceDataOptions {
  std::vector<std::string> crops = {};         ///< manifests of pictures of one face each
  std::vector<int> crop_shares = {};           ///< how often each of them is drawn; empty: alike
  std::vector<std::string> backgrounds = {};   ///< pictures without faces
  std::vector<std::string> frames = {};        ///< whole pictures, whose faces the teacher tells
  std::vector<std::string> val_pictures = {};  ///< whole pictures that only validate
  int crop_limit = 8000;                       ///< of a manifest, spread evenly; 0: all
  int val_part = 10;                           ///< one in so many people and backgrounds validates
  int background_side = 1024;  ///< backgrounds are held in memory, at most so many pixels long
  int threads = 1;
  double max_bad_share = 0.01;

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Status validate() const;
};

/// How a picture is composed. Sizes in pixels.
struct SceneOptions {
  int side = 256;            ///< a multiple of the coarsest stride of the network
  double frame_share = 0.3;  ///< of pictures that are parts of `frames`
  double empty_share = 0.1;  ///< of composed pictures without a face
  double crowd_share = 0.2;  ///< of composed pictures with many small faces
  double smallest = 9;       ///< height of a face
  double largest = 300;
  double turn_deg = 40;       ///< the most that a face is turned, both ways
  double hidden_share = 0.3;  ///< of faces with something in front of them
  double grey_share = 0.25;   ///< of pictures without colour
  double blur_share = 0.25;
  double noise_share = 0.3;
  double jpeg_share = 0.4;

  void register_options(OptionSet& set);
  Status validate() const;
};

/// Sizes of the network.
struct FaceNetworkOptions {
  int stem_width = 32;
  int stem_kernel = 5;
  int stem_stride = 4;
  /// Widths of the layers of a stage, separated by spaces. The first stage keeps the size of its
  /// maps, each other one halves it; the last three are the levels.
  std::vector<std::string> stages = {"32", "48 64", "64 64", "64 64 64"};
  int shared = 1;  ///< layers of a level before its answers

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Result<engine::PyramidSizes> sizes() const;
};

/// How a detector of faces trains.
struct FaceDetectorTraining {
  std::string teacher = {};  ///< bundle of a detector
  int epochs = 40;
  int batch = 16;
  int scenes = 4096;      ///< pictures of an epoch
  int val_scenes = 256;   ///< composed pictures that validate
  double box_weight = 2;  ///< of the loss of boxes, against that of scores
  double point_weight = 1;
  double alarms = 5.0 / 60;  ///< false alarms per picture at which recall is told
  std::string select = "last";
  std::string name = "faces";
  std::string licence = {};

  void register_options(OptionSet& set);
  Status validate() const;
};

/// faces.*, scenes.*, network.* and detector.* of a recipe.
struct FaceDetectorRecipe {
  FaceDataOptions faces = {};
  SceneOptions scenes = {};
  FaceNetworkOptions network = {};
  FaceDetectorTraining training = {};

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Status validate() const;
};

std::unique_ptr<MethodRecipe> face_detector_recipe();

}  // namespace mien::methods
