#include "mien/report/elan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>
#include <vector>

#include "report/html.h"
#include "report/names.h"

namespace mien::report {
namespace {

struct Slot {
  std::int64_t ms = 0;
  std::size_t annotation = 0;  // from 1
  bool is_end = false;
};

struct Tier {
  std::string name;
  std::string participant;
  const char* type = "expression";
};

struct Annotation {
  std::size_t tier = 0;
  std::string value;
  std::size_t from_slot = 0;
  std::size_t to_slot = 0;
};

std::string percent_encoded(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte < 0x80 && (std::isalnum(byte) != 0 ||
                                       std::string_view("-._~/").find(c) != std::string_view::npos);
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return out;
}

std::string header(const ElanOptions& options, std::size_t annotations) {
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<ANNOTATION_DOCUMENT AUTHOR=\"{}\" DATE=\"{}\" FORMAT=\"3.0\" VERSION=\"3.0\" "
      "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
      "xsi:noNamespaceSchemaLocation=\"http://www.mpi.nl/tools/elan/EAFv3.0.xsd\">\n"
      "  <HEADER MEDIA_FILE=\"\" TIME_UNITS=\"milliseconds\">\n",
      escape_markup(options.annotator), escape_markup(options.date));
  if (!options.media_url.empty()) {
    out += fmt::format("    <MEDIA_DESCRIPTOR MEDIA_URL=\"{}\" MIME_TYPE=\"{}\"",
                       escape_markup(options.media_url), escape_markup(options.mime_type));
    if (!options.relative_media.empty()) {
      out += fmt::format(" RELATIVE_MEDIA_URL=\"{}\"", escape_markup(options.relative_media));
    }
    out += "/>\n";
  }
  if (!options.clock.empty()) {
    out +=
        fmt::format("    <PROPERTY NAME=\"clock\">{}</PROPERTY>\n", escape_markup(options.clock));
  }
  return out +
         fmt::format("    <PROPERTY NAME=\"lastUsedAnnotationId\">{}</PROPERTY>\n  </HEADER>\n",
                     annotations);
}

// A linguistic type whose values are the labels, one for changes when there is a baseline, and the
// four constraints that ELAN expects.
std::string tail(const LabelSegments& segments) {
  std::string out =
      "  <LINGUISTIC_TYPE CONTROLLED_VOCABULARY_REF=\"labels\" GRAPHIC_REFERENCES=\"false\" "
      "LINGUISTIC_TYPE_ID=\"expression\" TIME_ALIGNABLE=\"true\"/>\n";
  if (segments.has_baseline()) {
    out +=
        "  <LINGUISTIC_TYPE GRAPHIC_REFERENCES=\"false\" LINGUISTIC_TYPE_ID=\"change\" "
        "TIME_ALIGNABLE=\"true\"/>\n";
  }
  out +=
      "  <LANGUAGE LANG_DEF=\"http://cdb.iso.org/lg/CDB-00130975-001\" LANG_ID=\"und\" "
      "LANG_LABEL=\"undetermined (und)\"/>\n"
      "  <CONSTRAINT DESCRIPTION=\"Time subdivision of parent annotation's time interval, no time "
      "gaps allowed within this interval\" STEREOTYPE=\"Time_Subdivision\"/>\n"
      "  <CONSTRAINT DESCRIPTION=\"Symbolic subdivision of a parent annotation. Annotations "
      "refering to the same parent are ordered\" STEREOTYPE=\"Symbolic_Subdivision\"/>\n"
      "  <CONSTRAINT DESCRIPTION=\"1-1 association with a parent annotation\" "
      "STEREOTYPE=\"Symbolic_Association\"/>\n"
      "  <CONSTRAINT DESCRIPTION=\"Time alignable annotations within the parent annotation's time "
      "interval, gaps are allowed\" STEREOTYPE=\"Included_In\"/>\n"
      "  <CONTROLLED_VOCABULARY CV_ID=\"labels\">\n"
      "    <DESCRIPTION LANG_REF=\"und\">What a face looks like, not what a person "
      "feels</DESCRIPTION>\n";
  std::vector<std::string> names = segments.labels();
  if (std::find(names.begin(), names.end(), "unknown") == names.end())
    names.emplace_back("unknown");
  for (std::size_t i = 0; i < names.size(); ++i) {
    out += fmt::format(
        "    <CV_ENTRY_ML CVE_ID=\"cveid{}\">\n      <CVE_VALUE DESCRIPTION=\"\" "
        "LANG_REF=\"und\">{}</CVE_VALUE>\n    </CV_ENTRY_ML>\n",
        i, escape_markup(names[i]));
  }
  return out + "  </CONTROLLED_VOCABULARY>\n</ANNOTATION_DOCUMENT>\n";
}

}  // namespace

std::string elan_document(const LabelSegments& segments, const ElanOptions& options) {
  const std::vector<SegmentTrack> tracks = segments.tracks();
  std::vector<Tier> tiers;
  std::vector<Annotation> annotations;
  std::vector<Slot> slots;
  const auto add = [&](const Segment& segment, const std::string& value) {
    const std::int64_t from = (segment.from_us + 500) / 1000, to = (segment.to_us + 500) / 1000;
    if (from >= to) return;
    annotations.push_back({tiers.size() - 1, value, 0, 0});
    slots.push_back({from, annotations.size(), false});
    slots.push_back({to, annotations.size(), true});
  };
  for (const SegmentTrack& track : tracks) {
    const std::string face = fmt::format("face {}", track.id);
    tiers.push_back({face, face});
    for (const Segment& segment : track.segments) add(segment, segments.name(segment.label));
    if (!segments.has_baseline()) continue;
    tiers.push_back({face + " change", face, "change"});  // of that label, in percentage points
    for (const Segment& segment : track.segments) {
      if (const auto change = track.change_of(segment)) add(segment, points(*change));
    }
  }
  std::stable_sort(slots.begin(), slots.end(),
                   [](const Slot& a, const Slot& b) { return a.ms < b.ms; });
  std::string out = header(options, annotations.size());
  out += "  <TIME_ORDER>\n";
  for (std::size_t i = 0; i < slots.size(); ++i) {
    Annotation& annotation = annotations[slots[i].annotation - 1];
    (slots[i].is_end ? annotation.to_slot : annotation.from_slot) = i + 1;
    out += fmt::format("    <TIME_SLOT TIME_SLOT_ID=\"ts{}\" TIME_VALUE=\"{}\"/>\n", i + 1,
                       slots[i].ms);
  }
  out += "  </TIME_ORDER>\n";
  std::size_t next = 0;
  for (std::size_t t = 0; t < tiers.size(); ++t) {
    out += fmt::format(
        "  <TIER ANNOTATOR=\"{}\" LINGUISTIC_TYPE_REF=\"{}\" PARTICIPANT=\"{}\" "
        "TIER_ID=\"{}\">\n",
        escape_markup(options.annotator), tiers[t].type, tiers[t].participant, tiers[t].name);
    for (; next < annotations.size() && annotations[next].tier == t; ++next) {
      const Annotation& a = annotations[next];
      out += fmt::format(
          "    <ANNOTATION>\n      <ALIGNABLE_ANNOTATION ANNOTATION_ID=\"a{}\" "
          "TIME_SLOT_REF1=\"ts{}\" TIME_SLOT_REF2=\"ts{}\">\n        "
          "<ANNOTATION_VALUE>{}</ANNOTATION_VALUE>\n      </ALIGNABLE_ANNOTATION>\n    "
          "</ANNOTATION>\n",
          next + 1, a.from_slot, a.to_slot, escape_markup(a.value));
    }
    out += "  </TIER>\n";
  }
  return out + tail(segments);
}

std::string media_type_of(std::string_view file_name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kTypes{
      {{".mp4", "video/mp4"},
       {".m4v", "video/mp4"},
       {".mov", "video/quicktime"},
       {".mpg", "video/mpeg"},
       {".mpeg", "video/mpeg"},
       {".avi", "video/x-msvideo"},
       {".webm", "video/webm"},
       {".mkv", "video/x-matroska"},
       {".wmv", "video/x-ms-wmv"}}};
  std::string lower(file_name);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const auto& [ending, type] : kTypes) {
    if (lower.ends_with(ending)) return std::string(type);
  }
  return "unknown";
}

std::string file_url(std::string_view absolute_path) {
  std::string out = "file://";
  return out += percent_encoded(absolute_path);
}

std::string relative_url(std::string_view path) {
  return (path.starts_with("../") ? "" : "./") + percent_encoded(path);
}

}  // namespace mien::report
