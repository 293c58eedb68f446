// The splits of HESP, as in its released lists.

#include <algorithm>

#include "mien/eval/open_set.h"

namespace mien::eval {
namespace {

using Ids = std::vector<int>;
using Names = std::vector<std::string_view>;

// The numbers of AFEW and MAFW there, then of DFEW.
const Names kMafwOrder = {"anger",   "disgust",      "fear",          "happiness",
                          "neutral", "sadness",      "surprise",      "contempt",
                          "anxiety", "helplessness", "disappointment"};
const Names kDfewOrder = {"happiness", "sadness", "neutral", "anger",
                          "surprise",  "disgust", "fear"};

struct List {
  std::string_view name;
  std::size_t classes;
  const Names* order;
  std::vector<Ids> known;
};

const std::vector<List>& lists() {
  static const std::vector<List> all = {
      {"afew",
       7,
       &kMafwOrder,
       {{5, 3},          {6, 3},          {1, 5},          {1, 2},          {0, 4},
        {3, 1, 2},       {0, 4, 1},       {2, 3, 5},       {6, 3, 4},       {4, 6, 5},
        {6, 0, 3, 5},    {2, 1, 6, 0},    {5, 3, 4, 1},    {0, 2, 3, 1},    {3, 4, 0, 2},
        {2, 5, 3, 6, 1}, {3, 0, 4, 6, 1}, {6, 0, 4, 1, 5}, {5, 6, 1, 3, 4}, {4, 6, 2, 1, 0}}},
      {"mafw",
       11,
       &kMafwOrder,
       {{10, 5, 6},
        {1, 5, 3},
        {1, 10, 2},
        {6, 2, 4},
        {2, 8, 9},
        {2, 5, 10, 0, 4},
        {0, 5, 2, 6, 8},
        {1, 10, 3, 7, 4},
        {4, 1, 6, 3, 2},
        {8, 0, 4, 3, 6},
        {2, 4, 7, 10, 1, 0},
        {9, 10, 5, 4, 1, 2},
        {6, 9, 1, 10, 7, 2},
        {10, 4, 8, 9, 0, 5},
        {5, 2, 3, 8, 9, 4},
        {4, 2, 5, 8, 1, 9, 6, 3},
        {2, 9, 6, 1, 0, 8, 3, 4},
        {5, 4, 8, 0, 10, 3, 6, 1},
        {0, 7, 6, 9, 2, 4, 5, 1},
        {2, 3, 6, 0, 7, 9, 10, 1}}},
      {"dfew",
       7,
       &kDfewOrder,
       {{6, 1},          {5, 4},          {4, 0},          {3, 1},          {1, 5},
        {1, 4, 6},       {0, 1, 5},       {1, 3, 5},       {2, 1, 5},       {0, 2, 1},
        {0, 1, 2, 5},    {6, 5, 2, 1},    {3, 5, 1, 4},    {5, 0, 2, 3},    {5, 4, 0, 2},
        {2, 4, 0, 3, 6}, {3, 5, 1, 0, 2}, {0, 6, 5, 4, 3}, {4, 0, 2, 5, 6}, {4, 0, 1, 5, 6}}},
      {"ourdata", 11, &kMafwOrder, {{0, 1, 2, 3, 4, 5, 6}}},
  };
  return all;
}

OpenSetSplit split_of(const List& list, const Ids& known) {
  OpenSetSplit out;
  for (std::size_t c = 0; c < list.classes; ++c) {
    const bool is_known = std::find(known.begin(), known.end(), static_cast<int>(c)) != known.end();
    (is_known ? out.known : out.unknown).emplace_back((*list.order)[c]);
  }
  return out;
}

}  // namespace

std::vector<std::string_view> hesp_lists() {
  std::vector<std::string_view> out;
  for (const List& list : lists()) out.push_back(list.name);
  out.emplace_back("multidata");
  return out;
}

std::vector<OpenSetSplit> hesp_splits(std::string_view name) {
  std::vector<OpenSetSplit> out;
  for (const List& list : lists()) {
    if (list.name != name) continue;
    for (const Ids& known : list.known) out.push_back(split_of(list, known));
  }
  if (name == "multidata") {  // seven known, all the rest is one more class
    OpenSetSplit split = split_of({"", 7, &kMafwOrder, {}}, {0, 1, 2, 3, 4, 5, 6});
    split.unknown = {"other"};
    out.push_back(std::move(split));
  }
  return out;
}

}  // namespace mien::eval
