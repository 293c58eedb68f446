#pragma once

// Bundles that find faces (`kind: detector`).
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mien/checkpoint/checkpoint.h"
#include "mien/core/json.h"
#include "mien/core/limits.h"
#include "mien/face/detector.h"

namespace mien::engine {

/// A convolutional network over a feature pyramid that gives a face score, a box and five points
/// for every position of every level. Every layer but the first is separable: a 1 x 1 convolution,
/// then a 3 x 3 one that keeps channels apart. Source: Wu, Peng and Yu, "YuNet: A Tiny
/// Millisecond-level Face Detector", 2023.
struct PyramidSizes {
  /// A group of layers of one resolution.
  struct Stage {
    bool halve = true;        ///< starts with 2 x 2 max pooling
    std::vector<int> widths;  ///< outputs of its layers

    bool operator==(const Stage&) const = default;
  };
  bool bgr = true;  ///< order of the channels of a picture; values 0 to 255
  int stem_width = 16;
  int stem_kernel = 3;
  int stem_stride = 2;
  std::vector<Stage> stages;
  int levels = 3;  ///< number of last stages that form the pyramid; all end with equal widths
  int shared = 1;  ///< layers of a level between the pyramid and its outputs

  bool operator==(const PyramidSizes&) const = default;

  int width() const { return stages.back().widths.back(); }  ///< channels of the pyramid
  int stride(int level) const;  ///< pixels between positions; level 0 is the finest
  /// What parse() reads.
  Json to_json() const;
  /// Messages start with `subject`. Errors: kCorrupt naming the key.
  static Result<PyramidSizes> parse(const Json& json, std::string_view subject);
};

/// Everything of bundle.json of a detector. See docs/reference/bundle.md.
struct DetectorInfo {
  std::string name;
  PyramidSizes sizes;
  double threshold = 0.6;     ///< score, 0 to 1, above which a position is a face
  double overlap = 0.3;       ///< intersection over union above which two boxes are one face
  double smallest_face = 12;  ///< pixels, the narrowest that it finds well
  /// Pixels, the largest that it finds well: a picture that has room for larger ones is searched
  /// once more, as large as such a face, and boxes that are part of a surer one are dropped. 0: it
  /// finds faces of any size.
  double largest_face = 0;
  /// Bundles expect faces as squares from the brows to the chin. Such a square has `square_side`
  /// times the side of a square with the area of the network's box, and is `square_down` sides of
  /// that lower.
  double square_side = 0.93;
  double square_down = 0.04;
  std::string licence;
  Json provenance = Json::object();
  std::map<std::string, std::string> files;  ///< sha256 of every other file

  /// What parse() reads.
  Json to_json() const;
  /// Messages start with `subject`. Errors: kCorrupt naming the key; kUnsupported for another
  /// version; kInvalidArgument for another kind of bundle.
  static Result<DetectorInfo> parse(std::string_view json, std::string_view subject,
                                    const Limits& limits = {});
};

class BundleFolder;
class Pyramid;

/// A detector in the bundle format. Threads: immutable; shared by threads.
class DetectorBundle {
 public:
  /// Checks bundle.json, and name, type and shape of every tensor.
  /// Errors: as Bundle::load; kCorrupt for weights that are not finite.
  static Result<std::shared_ptr<const DetectorBundle>> load(const std::filesystem::path& path,
                                                            const Limits& limits = {});

  /// Content of bundle.json, the path given to load(), all tensors, and the network made of them.
  const DetectorInfo& info() const { return info_; }
  const std::filesystem::path& path() const { return path_; }
  const checkpoint::Checkpoint& weights() const { return *weights_; }
  const Pyramid& network() const { return *network_; }
  /// The text of CARD.md. Errors: kNotFound, kIo.
  Result<std::string> card() const;
  /// Compares every file with its sha256. Errors: kCorrupt naming the first that differs.
  Status verify_hashes() const;

 private:
  DetectorBundle() = default;
  std::filesystem::path path_;
  DetectorInfo info_;
  std::shared_ptr<const BundleFolder> files_;
  std::shared_ptr<const checkpoint::Checkpoint> weights_;
  std::shared_ptr<const Pyramid> network_;
};

/// Whether the bundle at `path` is a detector. Errors: kNotFound, kIo, kCorrupt.
Result<bool> is_detector(const std::filesystem::path& path, const Limits& limits = {});

/// The tensors of a network: names with shapes, in the order of writing.
std::vector<std::pair<std::string, Shape>> detector_tensors(const PyramidSizes& sizes);

/// A session of a detector. Scale 1 is half the size of the picture, where a network costs about as
/// much as the HOG filters and finds faces of twice info().smallest_face; scale 2 is the full size.
/// Boxes are squares from the brows to the chin. A score is the logit of the network's probability
/// minus that of the threshold.
std::unique_ptr<face::FaceDetector> make_network_detector(
    std::shared_ptr<const DetectorBundle> bundle);

/// The files of a detector bundle to be written.
struct DetectorContent {
  DetectorInfo info;  ///< `files` is filled by write_detector
  checkpoint::NamedTensors tensors;
  std::string card;  ///< CARD.md
};
/// A detector read from another format, with the memory that its tensors are views of.
struct ConvertedDetector {
  DetectorContent content;
  std::vector<Tensor> owned;
  std::shared_ptr<const void> file;
};
/// Reads YuNet from ONNX (the exports of OpenCV's model zoo and of libfacedetection.train,
/// float32). Errors: kUnsupported for any other graph; those of open_onnx.
Result<ConvertedDetector> detector_from_onnx(const std::filesystem::path& path,
                                             const Limits& limits = {});

/// Writes a bundle folder. Errors: as write_bundle.
Status write_detector(const std::filesystem::path& path, DetectorContent content,
                      bool overwrite = false);

}  // namespace mien::engine
