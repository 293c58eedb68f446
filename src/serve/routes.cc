#include "serve/routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

namespace mien::serve {
namespace {

constexpr std::array<Route, 15> kRoutes = {{
    {"POST", "/v1/predict", Action::kPicture, kPredict,
     "the expressions of all faces in a picture"},
    {"POST", "/v1/embed", Action::kPicture, kEmbed, "the embedding of each face in a picture"},
    {"POST", "/v1/detect", Action::kPicture, kDetect, "the faces in a picture"},
    {"POST", "/v1/videos", Action::kVideo, kVideos,
     "202 and a job that reads the clip in the body"},
    {"GET", "/v1/jobs/{id}", Action::kJob, 0, "the state of a job"},
    {"GET", "/v1/jobs/{id}/result", Action::kResult, kResult, "the result of a job that is done"},
    {"DELETE", "/v1/jobs/{id}", Action::kRemoveJob, 0,
     "204; the job is cancelled, its files are removed"},
    {"GET", "/v1/live", Action::kLive, kLive, "a WebSocket for live frames"},
    {"GET", "/v1/models", Action::kModels, 0, "the bundles that the server has loaded"},
    {"GET", "/v1/labels", Action::kLabels, kLabels, "the labels of a bundle and the built-in sets"},
    {"GET", "/openapi.json", Action::kOpenApi, 0, "this interface as an OpenAPI 3.0 document",
     true},
    {"GET", "/healthz", Action::kHealth, 0, "200 after an inference that worked, otherwise 503",
     true},
    {"GET", "/readyz", Action::kReady, 0, "200 when new work is accepted, otherwise 503", true},
    {"GET", "/metrics", Action::kMetrics, 0, "counters in the text format of Prometheus"},
    {"GET", "/", Action::kPage, 0, "the live page", true},
}};

// Whether `path` has the form of `pattern`; sets what stands for {id}.
bool fits(std::string_view pattern, std::string_view path, std::string& id) {
  const std::size_t brace = pattern.find("{id}");
  if (brace == std::string_view::npos) return pattern == path;
  if (!path.starts_with(pattern.substr(0, brace))) return false;
  path.remove_prefix(brace);
  const std::string_view segment = path.substr(0, path.find('/'));
  if (segment.empty() || path.substr(segment.size()) != pattern.substr(brace + 4)) return false;
  id = segment;
  return true;
}

Json reference(std::string_view name) {
  return Json::Object{{"$ref", fmt::format("#/components/schemas/{}", name)}};
}

Json content(std::string_view type, Json schema) {
  return Json::Object{{std::string(type), Json(Json::Object{{"schema", std::move(schema)}})}};
}

Json type_only(std::string_view type) { return Json::Object{{"type", type}}; }

Json schema_of(const Parameter& row, bool in_json) {
  Json out;
  switch (row.type) {
    case Parameter::Type::kInteger:
      if (row.name == "views")
        return Json::Object{{"type", "integer"}, {"enum", Json::Array{1, 2, 4}}};
      return Json::Object{{"type", "integer"},
                          {"minimum", static_cast<std::int64_t>(row.least)},
                          {"maximum", static_cast<std::int64_t>(row.most)}};
    case Parameter::Type::kNumber:
      return Json::Object{{"type", "number"}, {"minimum", row.least}, {"maximum", row.most}};
    case Parameter::Type::kBoolean: return type_only("boolean");
    case Parameter::Type::kWords:
      if (in_json) {
        return Json::Object{{"oneOf", Json::Array{type_only("string"),
                                                  Json::Object{{"type", "array"},
                                                               {"items", type_only("string")}}}}};
      }
      break;
    case Parameter::Type::kBoxes:
      if (in_json) {
        const Json box = Json::Object{
            {"type", "array"}, {"minItems", 4}, {"maxItems", 4}, {"items", type_only("number")}};
        return Json::Object{{"type", "array"}, {"maxItems", kMostBoxes}, {"items", box}};
      }
      break;
    case Parameter::Type::kString: break;
  }
  out = type_only("string");
  if (!row.choices.empty()) {
    Json choices = Json::array();
    for (const std::string_view choice : row.choices) choices.push_back(choice);
    out.set("enum", std::move(choices));
  }
  return out;
}

Json query_parameters(const Route& route) {
  Json out = Json::array();
  if (route.path.find("{id}") != std::string_view::npos) {
    out.push_back(Json::Object{
        {"name", "id"}, {"in", "path"}, {"required", true}, {"schema", type_only("string")}});
  }
  for (const Parameter& row : parameters()) {
    if ((row.of & route.of) == 0) continue;
    out.push_back(Json::Object{{"name", row.name},
                               {"in", "query"},
                               {"description", row.meaning},
                               {"schema", schema_of(row, false)}});
  }
  return out;
}

Json picture_body(const Route& route) {
  const Json binary = Json::Object{{"type", "string"}, {"format", "binary"}};
  const std::string_view part = route.action == Action::kVideo ? "video" : "image";
  Json form = Json::object();
  form.set(std::string(part), binary);
  Json members = Json::object();
  members.set("image", Json(Json::Object{{"type", "string"}, {"format", "byte"}}));
  for (const Parameter& row : parameters()) {
    if ((row.of & route.of) == 0) continue;
    form.set(std::string(row.name), schema_of(row, false));
    members.set(std::string(row.name), schema_of(row, true));
  }
  const auto object = [](Json properties, std::string_view required) {
    return Json(Json::Object{{"type", "object"},
                             {"required", Json::Array{required}},
                             {"properties", std::move(properties)},
                             {"additionalProperties", false}});
  };
  Json types = content("application/octet-stream", binary);
  types.set("multipart/form-data", Json(Json::Object{{"schema", object(std::move(form), part)}}));
  if (route.action == Action::kPicture) {
    types.set("application/json",
              Json(Json::Object{{"schema", object(std::move(members), "image")}}));
  }
  return Json::Object{{"required", true}, {"content", std::move(types)}};
}

Json responses(const Route& route) {
  const auto answer = [](std::string_view text, Json body) {
    Json out = Json::Object{{"description", text}};
    if (!body.is_null()) out.set("content", std::move(body));
    return out;
  };
  const Json json = content("application/json", reference("Error"));
  Json out = Json::object();
  switch (route.action) {
    case Action::kPicture:
      out.set("200", answer("the faces", content("application/json", reference("Image"))));
      break;
    case Action::kVideo:
      out.set("202", answer("the job", content("application/json", reference("Job"))));
      break;
    case Action::kJob:
      out.set("200", answer("the job", content("application/json", reference("Job"))));
      break;
    case Action::kResult: {
      Json types = Json::object();
      for (const char* type : {"application/x-ndjson", "text/csv", "application/x-subrip",
                               "text/vtt", "application/xml", "text/html"}) {
        types.set(type, Json(Json::Object{{"schema", type_only("string")}}));
      }
      out.set("200", answer("the result", std::move(types)));
      out.set("409", answer("the job is not done", json));
      break;
    }
    case Action::kRemoveJob: out.set("204", answer("removed", {})); break;
    case Action::kLive: out.set("101", answer("a WebSocket", {})); break;
    case Action::kMetrics:
      out.set("200", answer("counters", content("text/plain", type_only("string"))));
      break;
    case Action::kPage:
      out.set("200", answer("the page", content("text/html", type_only("string"))));
      break;
    default:
      out.set("200", answer("the answer", content("application/json", type_only("object"))));
      break;
  }
  if (route.action == Action::kHealth || route.action == Action::kReady) {
    out.set("503", answer("not able to work", json));
    return out;
  }
  out.set("default", answer("a problem", json));
  return out;
}

Json schemas() {
  const Json number = type_only("number");
  const Json box =
      Json::Object{{"type", "array"}, {"minItems", 4}, {"maxItems", 4}, {"items", number}};
  const auto object = [](std::initializer_list<Json::Member> properties,
                         std::initializer_list<Json> required) {
    return Json(Json::Object{{"type", "object"},
                             {"required", Json(Json::Array(required))},
                             {"properties", Json(Json::Object(properties))}});
  };
  const Json face =
      object({{"box", box},
              {"score", number},
              {"source", type_only("string")},
              {"top", type_only("string")},
              {"unknown", type_only("boolean")},
              {"labels", Json::Object{{"type", "array"}, {"items", type_only("object")}}}},
             {"box", "score", "source"});
  return Json::Object{
      {"Image", object({{"input", type_only("string")},
                        {"kind", type_only("string")},
                        {"width", type_only("integer")},
                        {"height", type_only("integer")},
                        {"faces", Json::Object{{"type", "array"}, {"items", face}}}},
                       {"input", "kind", "width", "height", "faces"})},
      {"Job", object({{"id", type_only("string")},
                      {"state",
                       Json::Object{{"type", "string"},
                                    {"enum", Json::Array{"queued", "running", "done", "failed"}}}},
                      {"frames", type_only("integer")},
                      {"expected_frames", type_only("integer")}},
                     {"id", "state", "frames", "expected_frames"})},
      {"Error", object({{"kind", type_only("string")},
                        {"code", type_only("string")},
                        {"message", type_only("string")}},
                       {"kind", "code", "message"})}};
}

std::string lower_method(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

}  // namespace

std::span<const Route> routes() { return kRoutes; }

Match match(std::string_view method, std::string_view path) {
  Match out;
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  for (const Route& route : kRoutes) {
    std::string id;
    if (!fits(route.path, path, id)) continue;
    out.allow += (out.allow.empty() ? "" : ", ") + std::string(route.method);
    if (route.method == "GET") out.allow += ", HEAD";
    if (route.method != wanted) continue;
    out.route = &route;
    out.id = std::move(id);
  }
  if (out.allow.empty() && !path.starts_with("/v1/")) {
    out.allow = "GET, HEAD";
    if (wanted == "GET") out.route = &kRoutes.back();  // a file of the page
  }
  return out;
}

Json open_api(std::string_view version) {
  Json paths = Json::object();
  for (const Route& route : kRoutes) {
    Json operation = Json::Object{{"summary", route.answers}};
    Json query = query_parameters(route);
    if (query.size() > 0) operation.set("parameters", std::move(query));
    if (route.method == "POST") operation.set("requestBody", picture_body(route));
    operation.set("responses", responses(route));
    const Json* before = paths.find(route.path);
    Json item = before == nullptr ? Json::object() : *before;
    item.set(lower_method(route.method), std::move(operation));
    paths.set(std::string(route.path), std::move(item));
  }
  return Json::Object{{"openapi", "3.0.3"},
                      {"info", Json::Object{{"title", "mien"},
                                            {"version", version},
                                            {"description",
                                             "Facial expressions in pictures and clips, in the "
                                             "user's words"}}},
                      {"paths", std::move(paths)},
                      {"components", Json::Object{{"schemas", schemas()}}}};
}

std::string route_table() {
  std::string out = "| method | path | answers |\n|---|---|---|\n";
  for (const Route& route : kRoutes) {
    out += fmt::format("| `{}` | `{}` | {} |\n", route.method, route.path, route.answers);
  }
  return out;
}

std::string parameter_table() {
  std::string out = "| parameter | of | values | meaning |\n|---|---|---|---|\n";
  for (const Parameter& row : parameters()) {
    out += fmt::format("| `{}` | {} | {} | {} |\n", row.name, end_point_names(row.of), row.values,
                       row.meaning);
  }
  return out;
}

}  // namespace mien::serve
