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

/// The faces of one picture or frame, and where each is told: in a panel beside it, in one line (a
/// chip), or in a list below the picture, when that may grow, with only its number beside it. No
/// panel hides another face.
class Drawing {
 public:
  struct Frame {
    int width = 0;
    int height = 0;
    int zoom = 1;
    bool grows = false;  ///< what finds no place goes below
  };
  /// Plans only; `canvas` measures texts.
  Drawing(Canvas& canvas, const DrawStyle& style, const Frame& frame,
          std::span<const engine::FaceResult> faces, PeopleColours& people,
          const LabelColours& labels);

  /// Height of what is told below the picture.
  int below() const { return static_cast<int>(list_.height + whole_.height); }
  void paint(Canvas& canvas) const;

 private:
  enum class Form { kBox, kPanel, kChip, kNumber, kWhole };
  // One face that shows, with what is told about it.
  struct Item {
    const engine::FaceResult* face = nullptr;
    Rect box;
    PanelContent content;
    Form form = Form::kBox;
    Metrics metrics = {};
    Rect place = {};
  };
  // Short lines in columns below the picture.
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
  BottomPanel whole_;  // of a face that is told below the picture alone
  List list_;
};

/// The names in `faces`, all of which have the same labels.
std::vector<std::string> label_names(std::span<const engine::FaceResult> faces);

}  // namespace mien::report
