#include "serve/routes.h"

#include <fstream>
#include <sstream>

#include "support/test_support.h"

namespace mien::serve {
namespace {

TEST(Routes, MatchPathsAndMethods) {
  EXPECT_EQ(match("POST", "/v1/predict").route->action, Action::kPicture);
  EXPECT_EQ(match("HEAD", "/healthz").route->action, Action::kHealth);
  const Match job = match("DELETE", "/v1/jobs/abc");
  EXPECT_EQ(job.route->action, Action::kRemoveJob);
  EXPECT_EQ(job.id, "abc");
  EXPECT_EQ(match("GET", "/v1/jobs/abc/result").route->action, Action::kResult);
  EXPECT_EQ(match("PUT", "/v1/jobs/abc").route, nullptr);
  EXPECT_EQ(match("PUT", "/v1/jobs/abc").allow, "GET, HEAD, DELETE");
  EXPECT_EQ(match("GET", "/v1/jobs/").allow, "");
  EXPECT_EQ(match("GET", "/v1/jobs/a/b").allow, "");
  EXPECT_EQ(match("GET", "/v1/nothing").route, nullptr);
  EXPECT_EQ(match("GET", "/assets/main.js").route->action, Action::kPage);
  EXPECT_EQ(match("POST", "/assets/main.js").route, nullptr);
}

TEST(Routes, EveryRouteIsInTheOpenApiDocument) {
  const Json document = open_api("1.2.3");
  const Json* paths = document.find("paths");
  ASSERT_NE(paths, nullptr);
  std::size_t operations = 0;
  for (const auto& [path, item] : paths->as_object()) operations += item.size();
  EXPECT_EQ(operations, routes().size());
  const Json* predict = paths->find("/v1/predict");
  ASSERT_NE(predict, nullptr);
  EXPECT_NE(predict->find("post")->find("requestBody"), nullptr);
}

// docs/reference/http.md has the tables of the program.
TEST(Routes, DocumentHasTheTables) {
  std::ifstream file(test::source_dir() / "docs/reference/http.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str().find(route_table()), std::string::npos) << route_table();
  EXPECT_NE(text.str().find(parameter_table()), std::string::npos) << parameter_table();
}

}  // namespace
}  // namespace mien::serve
