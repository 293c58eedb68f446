#include "face/landmarks.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <string>

#include "core/file.h"
#include "face/dlib_reader.h"
#include "face/grey.h"
#include "face/similarity.h"

namespace mien::face {
namespace {

constexpr std::size_t kMostPoints = 1000;
constexpr std::size_t kMostCascades = 1000;

struct Split {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  float threshold = 0;
};

/// Numbers that are appended once and then read at random: 65 MB for the usual model. Large pages,
/// if the system has them, save thousands of page faults and most TLB misses.
class Numbers {
 public:
  Numbers() = default;
  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;
  ~Numbers() {
    if (data_ != nullptr) ::munmap(data_, bytes_);
  }

  /// Pages that are never written cost nothing. False when out of memory.
  bool reserve(std::size_t count) {
    constexpr std::size_t kLargePage = std::size_t{2} << 20;
    bytes_ = (count * sizeof(float) / kLargePage + 1) * kLargePage;
    void* data =
        ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) return false;
    ::madvise(data, bytes_, MADV_HUGEPAGE);
    data_ = static_cast<float*>(data);
    return true;
  }
  /// Room for `count` more. Precondition: reserve() included them.
  float* append(std::size_t count) {
    MIEN_CHECK(count <= bytes_ / sizeof(float) - size_);
    float* out = data_ + size_;
    size_ += count;
    return out;
  }
  const float* data() const { return data_; }

 private:
  float* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

/// One refinement step: pixels to sample, and the trees that compare them.
struct Cascade {
  std::vector<std::uint32_t> anchors;
  std::vector<image::Point> deltas;
  std::size_t trees = 0;
};

class TreeEnsemble final : public LandmarkModel {
 public:
  int point_count() const override { return static_cast<int>(shape_.size() / 2); }
  std::vector<image::Point> predict(image::ImageView picture, const image::Box& box) const override;

  Status read(DlibReader& in, const std::function<void(std::size_t)>& consumed);

 private:
  Status read_trees(DlibReader& in, Cascade& cascade, std::uint32_t& largest);
  Status read_pixels(DlibReader& in, const std::vector<std::uint32_t>& largest);
  void sample(image::ImageView picture, const image::Box& box, const Cascade& cascade,
              const std::vector<float>& shape, std::vector<float>& values) const;

  std::vector<float> shape_;  // mean shape, x and y in turn, in units of the box
  std::vector<Cascade> cascades_;
  std::size_t splits_per_tree_ = 0;
  std::vector<Split> splits_;  // all trees of all cascades, breadth first
  Numbers leaves_;             // splits_per_tree_ + 1 shape offsets per tree
};

Status bad(const DlibReader& in, const char* what) {
  return corrupt(std::string(what) + " at byte " + std::to_string(in.position()));
}

Status TreeEnsemble::read_trees(DlibReader& in, Cascade& cascade, std::uint32_t& largest) {
  cascade.trees = in.count(2);
  for (std::size_t t = 0; t < cascade.trees; ++t) {
    const std::size_t splits = in.count(8);
    if (in.failed() || !std::has_single_bit(splits + 1)) return bad(in, "tree is not full");
    if (splits_per_tree_ == 0) splits_per_tree_ = splits;
    if (splits != splits_per_tree_ || splits == 0) return bad(in, "trees differ in depth");
    for (std::size_t s = 0; s < splits; ++s) {
      const std::int64_t first = in.integer();
      const std::int64_t second = in.integer();
      const float threshold = in.real();
      if (in.failed() || first < 0 || second < 0 || std::max(first, second) > INT32_MAX) {
        return bad(in, "split is broken or truncated");
      }
      const Split split{static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(second),
                        threshold};
      largest = std::max({largest, split.first, split.second});
      splits_.push_back(split);
    }
    if (in.count(2) != splits + 1 || in.failed()) return bad(in, "tree has a wrong leaf count");
    for (std::size_t leaf = 0; leaf < splits + 1; ++leaf) {
      if (in.column_rows() != shape_.size()) return bad(in, "leaf does not fit the mean shape");
      float* numbers = leaves_.append(shape_.size());
      for (std::size_t i = 0; i < shape_.size(); ++i) numbers[i] = in.real();
      if (in.failed()) return bad(in, "leaf is broken or truncated");
    }
  }
  return {};
}

Status TreeEnsemble::read_pixels(DlibReader& in, const std::vector<std::uint32_t>& largest) {
  if (in.count(2) != cascades_.size()) return bad(in, "anchors do not fit the cascades");
  for (Cascade& cascade : cascades_) {
    cascade.anchors.resize(in.count(2));
    for (std::uint32_t& anchor : cascade.anchors) {
      const std::int64_t value = in.integer();
      if (in.failed() || value < 0 || value >= point_count())
        return bad(in, "anchor is not a point");
      anchor = static_cast<std::uint32_t>(value);
    }
  }
  if (in.count(2) != cascades_.size() || in.failed()) {
    return bad(in, "deltas do not fit the cascades");
  }
  for (std::size_t c = 0; c < cascades_.size(); ++c) {
    Cascade& cascade = cascades_[c];
    if (in.count(8) != cascade.anchors.size() || in.failed()) {
      return bad(in, "deltas do not fit the anchors");
    }
    if (cascade.trees > 0 && largest[c] >= cascade.anchors.size()) {
      return bad(in, "split uses a pixel that is not sampled");
    }
    cascade.deltas.resize(cascade.anchors.size());
    for (image::Point& delta : cascade.deltas) {
      delta.x = in.real();
      delta.y = in.real();
    }
  }
  return in.failed() ? bad(in, "deltas are broken or truncated") : Status();
}

Status TreeEnsemble::read(DlibReader& in, const std::function<void(std::size_t)>& consumed) {
  const std::int64_t version = in.integer();
  if (in.failed()) return corrupt("is not a dlib shape predictor");
  if (version != 1) {
    return unsupported("shape predictor has version " + std::to_string(version) + " (expected 1)");
  }
  const std::size_t values = in.column_rows();
  if (in.failed() || values == 0 || values % 2 != 0 || values > 2 * kMostPoints) {
    return bad(in, "is not a dlib shape predictor: the mean shape is broken");
  }
  shape_.resize(values);
  for (float& value : shape_) value = in.real();
  const std::size_t cascades = in.count(4);
  if (in.failed() || cascades > kMostCascades) return bad(in, "mean shape or cascades are broken");
  cascades_.resize(cascades);
  // A number takes at least 4 bytes; column_rows() rejects a leaf that the file is too short for.
  if (!leaves_.reserve(in.left() / 4)) return resource_limit("no memory for the model");
  std::vector<std::uint32_t> largest(cascades_.size(), 0);
  for (std::size_t c = 0; c < cascades_.size(); ++c) {
    MIEN_RETURN_IF_ERROR(read_trees(in, cascades_[c], largest[c]));
    consumed(in.position());
  }
  MIEN_RETURN_IF_ERROR(read_pixels(in, largest));
  if (in.left() != 0) return bad(in, "unknown data follows the model");
  return {};
}

/// Maps the unit square to the centres of the corner pixels of a box, as dlib does.
struct Corners {
  double left, top, width, height;

  explicit Corners(const image::Box& box)
      : left(static_cast<double>(box.x)),
        top(static_cast<double>(box.y)),
        width(std::max(1.0, static_cast<double>(box.w) - 1)),
        height(std::max(1.0, static_cast<double>(box.h) - 1)) {}
  double x(double u) const { return left + u * width; }
  double y(double v) const { return top + v * height; }
};

void TreeEnsemble::sample(image::ImageView picture, const image::Box& box, const Cascade& cascade,
                          const std::vector<float>& shape, std::vector<float>& values) const {
  const Similarity fitted = fit_similarity(shape_, shape);
  const auto a = static_cast<float>(fitted.a);
  const auto b = static_cast<float>(fitted.b);
  const Corners corners(box);
  values.resize(cascade.anchors.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const image::Point& delta = cascade.deltas[i];
    const std::size_t anchor = 2 * static_cast<std::size_t>(cascade.anchors[i]);
    const float u = (a * delta.x - b * delta.y) + shape[anchor];
    const float v = (b * delta.x + a * delta.y) + shape[anchor + 1];
    const double x = std::floor(corners.x(static_cast<double>(u)) + 0.5);
    const double y = std::floor(corners.y(static_cast<double>(v)) + 0.5);
    const bool inside = x >= 0 && y >= 0 && x < picture.width && y < picture.height;
    values[i] = inside ? luma(picture.row(static_cast<int>(y)) + 3 * static_cast<int>(x)) : 0.0F;
  }
}

std::vector<image::Point> TreeEnsemble::predict(image::ImageView picture,
                                                const image::Box& box) const {
  MIEN_CHECK(std::isfinite(box.x) && std::isfinite(box.y) && box.area() > 0 &&
             std::isfinite(box.area()));
  std::vector<float> shape = shape_;
  std::vector<float> values;
  std::vector<const float*> reached;
  const Split* splits = splits_.data();
  const float* leaves = leaves_.data();
  for (const Cascade& cascade : cascades_) {
    sample(picture, box, cascade, shape, values);
    // First all walks, then all sums: the leaves are far apart in 65 MB and are fetched meanwhile.
    reached.clear();
    for (std::size_t t = 0; t < cascade.trees; ++t) {
      std::size_t node = 0;
      while (node < splits_per_tree_) {
        const Split& split = splits[node];
        const bool left = values[split.first] - values[split.second] > split.threshold;
        node = 2 * node + (left ? 1 : 2);
      }
      const float* leaf = leaves + (node - splits_per_tree_) * shape.size();
      for (std::size_t i = 0; i < shape.size(); i += 16) __builtin_prefetch(leaf + i);
      reached.push_back(leaf);
      splits += splits_per_tree_;
      leaves += (splits_per_tree_ + 1) * shape.size();
    }
    for (const float* leaf : reached) {
      for (std::size_t i = 0; i < shape.size(); ++i) shape[i] += leaf[i];
    }
  }
  const Corners corners(box);
  std::vector<image::Point> out(shape.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].x = static_cast<float>(corners.x(static_cast<double>(shape[2 * i])));
    out[i].y = static_cast<float>(corners.y(static_cast<double>(shape[2 * i + 1])));
  }
  return out;
}

/// Asks the system to read the file ahead: page by page through a map, a cold 100 MB take seconds.
/// Only a hint; MappedFile reports any problem with the file.
void read_ahead(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
  ::close(fd);
}

}  // namespace

Result<std::shared_ptr<const LandmarkModel>> LandmarkModel::parse(std::span<const std::byte> bytes,
                                                                  std::string_view subject) {
  auto model = std::make_shared<TreeEnsemble>();
  DlibReader in(bytes);
  const Status status = model->read(in, [](std::size_t) {});
  if (!status.ok()) return status.with_prefix(subject);
  return std::shared_ptr<const LandmarkModel>(std::move(model));
}

Result<std::shared_ptr<const LandmarkModel>> LandmarkModel::load(
    const std::filesystem::path& path) {
  read_ahead(path);
  MIEN_ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file, MappedFile::open(path));
  auto model = std::make_shared<TreeEnsemble>();
  DlibReader in(file->bytes());
  const Status status =
      model->read(in, [&](std::size_t position) { file->release(file->bytes().first(position)); });
  if (!status.ok()) return status.with_prefix(path.string());
  return std::shared_ptr<const LandmarkModel>(std::move(model));
}

std::array<image::Point, 5> five_points(std::span<const image::Point> points68) {
  MIEN_CHECK(points68.size() == 68);
  const auto mean = [&](std::size_t first, std::size_t last) {
    image::Point sum;
    for (std::size_t i = first; i <= last; ++i) {
      sum.x += points68[i].x;
      sum.y += points68[i].y;
    }
    const auto count = static_cast<float>(last - first + 1);
    return image::Point{sum.x / count, sum.y / count};
  };
  return {mean(36, 41), mean(42, 47), points68[30], points68[48], points68[54]};
}

}  // namespace mien::face
