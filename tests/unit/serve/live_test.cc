#include "serve/live.h"

#include <condition_variable>
#include <cstring>

#include "mien/image/decode.h"
#include "support/bundles.h"
#include "support/test_support.h"

namespace mien::serve {
namespace {

std::string frame_message(std::uint32_t number, double seconds, std::string_view picture) {
  std::string out(kFrameHeaderBytes, '\0');
  std::memcpy(out.data(), &number, 4);
  std::memcpy(out.data() + 4, &seconds, 8);
  return out + std::string(picture);
}

std::string picture_bytes() {
  image::Image picture(64, 64);
  for (std::size_t i = 0; i < picture.pixels().size(); ++i) {
    picture.pixels()[i] = static_cast<std::uint8_t>(i * 31 % 251);
  }
  const auto bytes = image::encode_png(picture).value();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A live session and what it sent.
class LiveClient {
 public:
  LiveClient() {
    bundle_ = Model::load(folder(), {}, {}).value();
    models_.emplace(std::vector{bundle_});
    scheduler_ = Scheduler::start({.workers = 2}).value();
    Ask ask;
    ask.face = face::Mode::kWhole;
    LiveSession::Hooks hooks;
    hooks.send = [this](std::string text) {
      const std::lock_guard lock(mutex_);
      sent_.push_back(Json::parse(text).value());
      changed_.notify_all();
    };
    hooks.close = [this](int code, const std::string&) {
      const std::lock_guard lock(mutex_);
      closed_ = code;
      changed_.notify_all();
    };
    session = std::make_shared<LiveSession>(*models_, *scheduler_, PictureOptions(), ask, "1",
                                            std::move(hooks));
    session->start();
  }
  ~LiveClient() {
    session->abandon();
    scheduler_->finish();
  }
  // The next message; null when the session was closed instead.
  Json next() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(60),
                      [&] { return read_ < sent_.size() || closed_ != 0; });
    return read_ < sent_.size() ? sent_[read_++] : Json();
  }
  int closed() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(60), [&] { return closed_ != 0; });
    return closed_;
  }

  std::shared_ptr<LiveSession> session;

 private:
  std::filesystem::path folder() {
    const auto path = dir_ / "tiny";
    EXPECT_TRUE(engine::write_tiny_bundle(path).ok());
    return path;
  }
  test::TempDir dir_;
  std::shared_ptr<Model> bundle_;
  std::optional<Models> models_;
  std::unique_ptr<Scheduler> scheduler_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Json> sent_;
  std::size_t read_ = 0;
  int closed_ = 0;
};

std::string kind_of(const Json& message) {
  const Json* kind = message.find("kind");
  return kind == nullptr ? "" : kind->as_string();
}

TEST(Live, AnswersFramesWithTheirNumberAndTime) {
  LiveClient client;
  EXPECT_EQ(kind_of(client.next()), "hello");
  const std::string picture = picture_bytes();
  for (std::uint32_t i = 1; i <= 3; ++i) {
    client.session->binary(frame_message(i * 10, i * 0.25, picture));
    const Json frame = client.next();
    ASSERT_EQ(kind_of(frame), "frame") << frame.dump();
    EXPECT_EQ(frame.find("frame")->as_integer(), i * 10);
    EXPECT_EQ(frame.find("time")->as_number(), i * 0.25);
    EXPECT_EQ(frame.find("faces")->size(), 1U);
    EXPECT_EQ(frame.find("faces")->as_array()[0].find("track")->as_integer(), 0);
  }
  client.session->text(R"({"kind":"end","id":5})");
  const Json summary = client.next();
  ASSERT_EQ(kind_of(summary), "summary");
  EXPECT_EQ(summary.find("id")->as_integer(), 5);
  EXPECT_EQ(summary.find("frames")->as_integer(), 3);
  EXPECT_EQ(summary.find("analysed_frames")->as_integer(), 3);
  EXPECT_EQ(summary.find("tracks")->size(), 1U);
}

TEST(Live, TheLatestFrameWins) {
  LiveClient client;
  client.next();
  const std::string picture = picture_bytes();
  constexpr std::uint32_t kFrames = 200;
  for (std::uint32_t i = 1; i <= kFrames; ++i) {
    client.session->binary(frame_message(i, i * 0.001, picture));
  }
  std::int64_t last = 0, answered = 0, skipped = 0;
  while (last < kFrames) {
    const Json frame = client.next();
    ASSERT_EQ(kind_of(frame), "frame");
    EXPECT_GT(frame.find("frame")->as_integer(), last);
    last = frame.find("frame")->as_integer();
    skipped += frame.find("skipped")->as_integer();
    ++answered;
  }
  EXPECT_EQ(last, kFrames);
  EXPECT_EQ(answered + skipped, kFrames);
}

TEST(Live, LabelsChangeInMidStream) {
  LiveClient client;
  client.next();
  const std::string picture = picture_bytes();
  client.session->binary(frame_message(1, 0, picture));
  const Json before = client.next();
  client.session->text(R"({"kind":"config","labels":["happy","sad"],"id":1})");
  client.session->binary(frame_message(2, 1, picture));
  const Json config = client.next();
  ASSERT_EQ(kind_of(config), "config") << config.dump();
  EXPECT_EQ(config.find("config")->as_integer(), 1);
  EXPECT_EQ(config.find("labels")->size(), 2U);
  const Json after = client.next();
  EXPECT_EQ(before.find("config")->as_integer(), 0);
  EXPECT_EQ(after.find("config")->as_integer(), 1);
  const Json& face = after.find("faces")->as_array()[0];
  EXPECT_EQ(face.find("labels")->size(), 2U);
  EXPECT_EQ(face.find("track")->as_integer(), 0);  // the same person
}

TEST(Live, MistakesDoNotEndIt) {
  LiveClient client;
  client.next();
  client.session->text(R"({"kind":"config","labels":"sad,sad","id":7})");
  const Json labels = client.next();
  EXPECT_EQ(kind_of(labels), "error");
  EXPECT_EQ(labels.find("id")->as_integer(), 7);
  client.session->text(R"({"kind":"config","nonsense":1})");
  EXPECT_EQ(kind_of(client.next()), "error");
  client.session->text(R"({"kind":"what"})");
  EXPECT_EQ(kind_of(client.next()), "error");
  client.session->binary(frame_message(1, 0, "not a picture"));
  const Json frame = client.next();
  EXPECT_EQ(kind_of(frame), "error");
  EXPECT_EQ(frame.find("frame")->as_integer(), 1);
  client.session->binary(frame_message(2, 0, picture_bytes()));
  EXPECT_EQ(kind_of(client.next()), "frame");
}

TEST(Live, ABrokenProtocolEndsIt) {
  const std::string picture = picture_bytes();
  {
    LiveClient client;
    client.session->binary("short");
    EXPECT_EQ(client.closed(), 1002);
  }
  {
    LiveClient client;
    client.session->binary(frame_message(5, 1, picture));
    client.session->binary(frame_message(5, 2, picture));
    EXPECT_EQ(client.closed(), 1002);
  }
  {
    LiveClient client;
    client.session->text("not JSON");
    EXPECT_EQ(client.closed(), 1003);
  }
}

TEST(Live, RefusesTimesThatAreNotTimes) {
  for (const double bad : {-1.0, 2e9, std::numeric_limits<double>::quiet_NaN(),
                           std::numeric_limits<double>::infinity()}) {
    MIEN_EXPECT_CODE(parse_frame(frame_message(1, bad, "x")), StatusCode::kInvalidArgument) << bad;
  }
}

}  // namespace
}  // namespace mien::serve
