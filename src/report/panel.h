#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "mien/engine/result.h"
#include "mien/report/draw.h"
#include "report/canvas.h"
#include "report/label_colours.h"

namespace mien::report {

/// Sizes derived from the size of a picture.
struct Metrics {
  double font = 12;
  double line = 2;  ///< of a box

  static Metrics of(int width, int height, double scale);
  Fonts::Style text() const { return {font, false}; }
  Fonts::Style strong() const { return {font * 1.08, true}; }
  double row() const { return std::round(1.86 * font); }
  double pad() const { return std::round(0.5 * font); }
};

/// The texts about one face.
struct PanelContent {
  struct Row {
    std::string label;
    std::string percent;
    double share = 0;  ///< length of the bar, 0..1
    bool leads = false;
    Colour colour = kGrey;  ///< of the label
  };
  std::string id;         ///< empty: not shown
  std::vector<Row> rows;  ///< empty: found but not scored
  Colour colour;          ///< of the face

  static PanelContent of(const engine::FaceResult& face, const std::string& id,
                         const Colour& colour, const LabelColours& labels, int top_labels);
};

/// Size of the panel with all rows, no wider than `max_width`.
Rect panel_size(Canvas& canvas, const PanelContent& content, const Metrics& m, double max_width);
void draw_panel(Canvas& canvas, const PanelContent& content, const Metrics& m, const Rect& area);

/// The short form: id, leading label and its percentage in one line.
Rect chip_size(Canvas& canvas, const PanelContent& content, const Metrics& m, double max_width);
void draw_chip(Canvas& canvas, const PanelContent& content, const Metrics& m, const Rect& area);

/// Only the number of a face.
Rect number_size(Canvas& canvas, const PanelContent& content, const Metrics& m);
void draw_number(Canvas& canvas, const PanelContent& content, const Metrics& m, const Rect& area);

/// Draws a line from a panel to its box if they are not side by side.
void draw_leader(Canvas& canvas, const Rect& box, const Rect& panel, const Metrics& m,
                 const Colour& colour);

/// Draws the box of a face, visible on any background.
void draw_box(Canvas& canvas, const Rect& box, const Metrics& m, const Colour& colour);
/// Draws the number of a face in the corner of its box.
void draw_id(Canvas& canvas, const Rect& box, const PanelContent& content, const Metrics& m);

/// The panel of a face that fills the picture, along the bottom edge: labels side by side if there
/// is room, otherwise one below the other in at most `max_lines`.
struct BottomPanel {
  std::size_t columns = 1;
  std::size_t lines = 0;
  double height = 0;
};
BottomPanel bottom_panel(const PanelContent& content, const Metrics& m, double width,
                         std::size_t max_lines);
void draw_bottom_panel(Canvas& canvas, const PanelContent& content, const Metrics& m,
                       const BottomPanel& form, const Rect& area, double alpha);

}  // namespace mien::report
