#pragma once

#include <string>

#include "mien/pipeline/segments.h"

namespace mien::report {

using pipeline::LabelSegments;
using pipeline::Segment;
using pipeline::SegmentTrack;

/// What an ELAN document contains besides the annotations.
struct ElanOptions {
  std::string media_url = {};       ///< "file:///..."; empty: no media is linked
  std::string relative_media = {};  ///< "./clip.mp4", as seen from the document
  std::string mime_type = "unknown";
  std::string annotator = {};                      ///< for example "mien, bundle compact"
  std::string date = "1970-01-01T00:00:00+00:00";  ///< xsd:dateTime
  std::string clock = {};  ///< wall time of the media's start; empty: unknown
};

/// The leading labels of a finished clip as an ELAN Annotation Format 3.0 document (.eaf): one tier
/// per face with one annotation per segment, times in milliseconds, the labels as a controlled
/// vocabulary.
std::string elan_document(const LabelSegments& segments, const ElanOptions& options = {});

/// "video/mp4" and the like, by the ending of a file name; "unknown" when ELAN has no name for it.
std::string media_type_of(std::string_view file_name);
/// An absolute path as a file: URL, percent-encoded.
std::string file_url(std::string_view absolute_path);
/// A relative path as a URL reference, percent-encoded: "./a%20b.mp4".
std::string relative_url(std::string_view path);

}  // namespace mien::report
