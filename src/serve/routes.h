#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mien/core/json.h"
#include "serve/parameters.h"

namespace mien::serve {

/// What answers a request.
enum class Action {
  kPicture,
  kVideo,
  kJob,
  kResult,
  kRemoveJob,
  kLive,
  kModels,
  kLabels,
  kOpenApi,
  kHealth,
  kReady,
  kMetrics,
  kPage,
};

/// One end point: dispatch, the OpenAPI document and the tables of docs/reference/http.md come from
/// the same row.
struct Route {
  std::string_view method;
  std::string_view path;  ///< "{id}" stands for one segment
  Action action;
  unsigned of;  ///< EndPoint whose parameters it takes; 0: none
  std::string_view answers;
  bool open = false;  ///< needs no token
};

std::span<const Route> routes();

/// The route of a path, and what stands for {id}.
struct Match {
  const Route* route = nullptr;  ///< nullptr: no such path, or another method
  std::string id;
  std::string allow;  ///< the methods of the path; empty: no such path
};
/// HEAD matches GET. Paths that no route has are those of the page.
Match match(std::string_view method, std::string_view path);

/// The OpenAPI 3.0 document.
Json open_api(std::string_view version);
/// The tables of docs/reference/http.md with their markers.
std::string route_table();
std::string parameter_table();

}  // namespace mien::serve
