#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "mien/core/status.h"
#include "mien/image/image.h"

namespace mien::report {

/// printable(`text`) with & < > " ' as entities, for HTML, XML and WebVTT.
std::string escape_markup(std::string_view text);
/// The same for text of several lines: keeps the line breaks and drops empty lines.
std::string escape_lines(std::string_view text);
/// A name as part of a line of HTML, isolated so that right-to-left text does not reorder the rest.
std::string isolated(std::string_view name);

std::string base64(std::span<const std::byte> bytes);

/// A picture as `data:image/jpeg;base64,...`, no side longer than `longest`. Errors: those of
/// encode_jpeg.
Result<std::string> thumbnail(image::ImageView picture, int longest);
/// The part of `frame` around `box`, square and with a margin, as a thumbnail.
Result<std::string> face_thumbnail(image::ImageView frame, const image::Box& box, int longest);

/// Colours, fonts and layout shared by all pages: light and dark, narrow and wide, print.
std::string_view page_style();
/// "<!doctype html>..." up to and including "<main>"; `style` is appended to page_style().
std::string page_head(std::string_view title, std::string_view style = {});
/// The notice as a footer, and the end of the page.
std::string page_foot(std::string_view notice);

}  // namespace mien::report
