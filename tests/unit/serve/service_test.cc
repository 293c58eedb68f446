#include "serve/service.h"

#include <future>

#include "mien/image/decode.h"
#include "support/bundles.h"
#include "support/test_support.h"

namespace mien::serve {
namespace {

class ServiceTest : public testing::Test {
 protected:
  void begin(ServiceOptions options = {}) {
    const auto path = dir_ / "tiny";
    MIEN_ASSERT_OK(engine::write_tiny_bundle(path));
    options.jobs.folder = dir_ / "state";
    options.version = "1";
    service_ = Service::start(Models({Model::load(path, {}, {}).value()}), options).value();
  }
  void TearDown() override {
    if (service_) service_->finish();
  }
  static RequestHead head(std::string method, std::string path, Pairs query = {}) {
    RequestHead out;
    out.method = std::move(method);
    out.path = std::move(path);
    out.query = std::move(query);
    out.host = "localhost";
    return out;
  }
  Answer ask(const RequestHead& request, const std::string& body = "") {
    RequestPlan plan = service_->plan(request);
    if (plan.refusal) return *plan.refusal;
    std::promise<Answer> promise;
    auto answer = promise.get_future();
    service_->run(request, std::move(plan), body, body.size(),
                  [&](Answer done) { promise.set_value(std::move(done)); });
    return answer.get();
  }
  static std::string picture(int side = 64) {
    const auto bytes = image::encode_png(image::Image(side, side)).value();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  test::TempDir dir_;
  std::unique_ptr<Service> service_;
};

TEST_F(ServiceTest, AnswersAPictureInAllThreeForms) {
  begin();
  const std::string raw = picture();
  const Answer plain =
      ask(head("POST", "/v1/predict", {{"face", "whole"}, {"labels", "happy,sad"}}), raw);
  ASSERT_EQ(plain.status, 200) << plain.body;
  const Json json = Json::parse(plain.body).value();
  EXPECT_EQ(json.find("kind")->as_string(), "image");
  ASSERT_EQ(json.find("faces")->size(), 1U);
  EXPECT_EQ(json.find("faces")->as_array()[0].find("labels")->size(), 2U);
  RequestHead form = head("POST", "/v1/predict");
  form.content_type = "multipart/form-data; boundary=XX";
  std::string body;
  for (const auto& [name, value] :
       Pairs{{"image", raw}, {"face", "whole"}, {"labels", "happy,sad"}}) {
    body += "--XX\r\nContent-Disposition: form-data; name=" + name + "\r\n\r\n" + value + "\r\n";
  }
  EXPECT_EQ(ask(form, body + "--XX--\r\n").body, plain.body);
}

TEST_F(ServiceTest, OneBadPictureNeverHurtsAnother) {
  begin();
  const std::string good = picture();
  const std::vector<std::pair<std::string, int>> bad = {
      {"", 422}, {"text", 415}, {good.substr(0, 40), 422}, {picture(1), 200}};
  for (const auto& [bytes, status] : bad) {
    EXPECT_EQ(ask(head("POST", "/v1/predict", {{"face", "whole"}}), bytes).status, status);
    EXPECT_EQ(ask(head("POST", "/v1/predict", {{"face", "whole"}}), good).status, 200);
  }
}

TEST_F(ServiceTest, WrongRequestsAreTold) {
  begin();
  EXPECT_EQ(ask(head("GET", "/v1/predict")).status, 405);
  EXPECT_EQ(ask(head("GET", "/v1/nothing")).status, 404);
  EXPECT_EQ(ask(head("POST", "/v1/predict", {{"tops", "1"}}), picture()).status, 400);
  EXPECT_EQ(ask(head("POST", "/v1/predict", {{"bundle", "x"}}), picture()).status, 404);
  EXPECT_EQ(ask(head("POST", "/v1/predict", {{"labels", "sad,sad"}}), picture()).status, 400);
  EXPECT_EQ(ask(head("GET", "/v1/live")).status, 426);
  EXPECT_EQ(ask(head("GET", "/v1/jobs/none")).status, 404);
  EXPECT_EQ(ask(head("GET", "/no-such-page")).status, 404);
}

TEST_F(ServiceTest, HostAndOriginAreChecked) {
  begin();
  RequestHead other = head("GET", "/v1/models");
  other.host = "evil.example";
  EXPECT_EQ(ask(other).status, 421);
  RequestHead page = head("GET", "/v1/models");
  page.host = "localhost:8080";
  page.origin = "http://localhost:8080";
  EXPECT_EQ(ask(page).status, 200);
  page.origin = "http://evil.example";
  EXPECT_EQ(ask(page).status, 403);
  page.origin = "null";
  EXPECT_EQ(ask(page).status, 403);
}

TEST_F(ServiceTest, ATokenIsNeeded) {
  ServiceOptions options;
  options.token = "0123456789abcdef";
  options.allow_origins = {"https://page.example"};
  begin(options);
  RequestHead request = head("GET", "/v1/models");
  EXPECT_EQ(ask(request).status, 401);
  request.authorization = "Bearer 0123456789abcdeX";
  EXPECT_EQ(ask(request).status, 401);
  request.authorization = "bearer 0123456789abcdef";
  EXPECT_EQ(ask(request).status, 200);
  request.origin = "https://page.example";
  Answer answer = ask(request);
  EXPECT_EQ(answer.status, 200);
  service_->add_cors(request, answer);
  EXPECT_EQ(answer.headers.front().second, "https://page.example");
  EXPECT_EQ(ask(head("GET", "/healthz")).status, 200);
}

TEST_F(ServiceTest, HealthReadinessModelsLabelsAndMetrics) {
  begin();
  EXPECT_EQ(ask(head("GET", "/healthz")).status, 200);
  EXPECT_EQ(ask(head("GET", "/readyz")).status, 200);
  EXPECT_EQ(Json::parse(ask(head("GET", "/v1/models")).body)->find("models")->size(), 1U);
  EXPECT_GE(Json::parse(ask(head("GET", "/v1/labels")).body)->find("sets")->size(), 4U);
  EXPECT_NE(ask(head("GET", "/metrics")).body.find("mien_batches_total 1"), std::string::npos);
  const Answer page = ask(head("GET", "/"));
  EXPECT_EQ(page.status, 200);
  RequestHead again = head("GET", "/");
  again.if_none_match = page.headers.front().second;
  EXPECT_EQ(ask(again).status, 304);
  service_->stop();
  EXPECT_EQ(ask(head("GET", "/readyz")).status, 503);
  EXPECT_EQ(ask(head("POST", "/v1/predict"), picture()).status, 503);
}

TEST_F(ServiceTest, AJobThatFailsSaysSo) {
  begin();
  const RequestHead request = head("POST", "/v1/videos");
  RequestPlan plan = service_->plan(request);
  ASSERT_FALSE(plan.refusal.has_value());
  MIEN_ASSERT_OK(plan.upload->write("not a clip"));
  std::promise<Answer> promise;
  service_->run(request, std::move(plan), "", 10,
                [&](Answer done) { promise.set_value(std::move(done)); });
  const Answer accepted = promise.get_future().get();
  ASSERT_EQ(accepted.status, 202) << accepted.body;
  const std::string path = accepted.headers.front().second;
  Json state;
  for (int i = 0; i < 600; ++i) {
    state = Json::parse(ask(head("GET", path)).body).value();
    if (state.find("state")->as_string() == "failed") break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(state.find("state")->as_string(), "failed") << state.dump();
  EXPECT_EQ(ask(head("GET", path + "/result")).status, 409);
  EXPECT_EQ(ask(head("DELETE", path)).status, 204);
  EXPECT_EQ(ask(head("GET", path)).status, 404);
}

}  // namespace
}  // namespace mien::serve
