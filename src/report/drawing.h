#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mien/engine/result.h"
#include "mien/report/draw.h"
#include "report/canvas.h"
#include "report/label_colours.h"
#include "report/layout.h"
#include "report/panel.h"
#include "report/people_colours.h"

namespace mien::report {

/// Draws the faces of one picture or frame and their labels: each face has a panel beside it, one
/// line (a chip), or, if the picture may grow, a row in a list below it and only a number beside
/// the face. No panel hides another face.
class Drawing {
 public:
  struct Frame {
    int width = 0;
    int height = 0;
    int zoom = 1;
    bool grows = false;  ///< panels without a free position go below the picture
  };
  /// Only plans the layout; `canvas` measures texts.
  Drawing(Canvas& canvas, const DrawStyle& style, const Frame& frame,
          std::span<const engine::FaceResult> faces, PeopleColours& people,
          const LabelColours& labels);

  /// Height of the part below the picture.
  int below() const { return static_cast<int>(list_.height + whole_.height); }
  void paint(Canvas& canvas) const;

 private:
  enum class Form { kBox, kPanel, kChip, kNumber, kWhole };
  // One visible face with its labels.
  struct Item {
    const engine::FaceResult* face = nullptr;
    Rect box;
    PanelContent content;
    Form form = Form::kBox;
    Metrics metrics = {};
    Rect spot = {};
  };
  // The list below the picture: short lines in columns.
  struct List {
    std::vector<std::size_t> items = {};
    double cell = 0;
    std::size_t columns = 0;
    std::size_t shown = 0;
    double height = 0;
  };

  void collect(std::span<const engine::FaceResult> faces, PeopleColours& people,
               const LabelColours& labels);
  void tell(Canvas& canvas, std::size_t index);
  bool try_panel(Canvas& canvas, std::size_t index);
  bool try_chip(Canvas& canvas, std::size_t index, bool force);
  void place_number(Canvas& canvas, std::size_t index);
  void tell_whole(Item& item);
  void make_list(Canvas& canvas);
  Metrics metrics_of(const Item& item) const;
  Rect inside() const;
  void paint_landmarks(Canvas& canvas, const Item& item) const;
  void paint_list(Canvas& canvas) const;

  const DrawStyle& style_;
  Frame frame_;
  Metrics metrics_;
  Rect bounds_;
  std::vector<Item> items_;
  std::vector<Rect> boxes_;
  std::vector<Rect> panels_;
  BottomPanel whole_;  // of a face whose panel is below the picture
  List list_;
};

/// The names in `faces`, all of which have the same labels.
std::vector<std::string> label_names(std::span<const engine::FaceResult> faces);

}  // namespace mien::report
