#include "serve/target.h"

#include "serve/multipart.h"
#include "support/test_support.h"

namespace mien::serve {
namespace {

TEST(Target, DecodesPathAndQuery) {
  const auto target = parse_target("/v1/pre%64ict?labels=a+b%2Cc&explain&=x#rest");
  MIEN_ASSERT_OK(target);
  EXPECT_EQ(target->path, "/v1/predict");
  EXPECT_EQ(target->query, (Pairs{{"labels", "a b,c"}, {"explain", ""}, {"", "x"}}));
}

TEST(Target, RefusesBrokenOnes) {
  for (const char* bad :
       {"", "x", "http://host/", "/%", "/%4", "/%zz", "/%00", "/%0a", "/%ff", "/?a=%c3%28"}) {
    MIEN_EXPECT_CODE(parse_target(bad), StatusCode::kInvalidArgument) << bad;
  }
  std::string many = "/?";
  for (int i = 0; i < 65; ++i) many += "a=b&";
  MIEN_EXPECT_CODE(parse_target(many), StatusCode::kResourceLimit);
}

TEST(Target, DecodesBase64) {
  const auto text = [](std::string_view in) { return decode_base64(in).value(); };
  EXPECT_EQ(text(""), "");
  EXPECT_EQ(text("Zg=="), "f");
  EXPECT_EQ(text("Zm9v\r\nYmFy"), "foobar");
  EXPECT_EQ(text("-_-_"), text("+/+/"));
  EXPECT_EQ(text("data:image/png;base64,Zm8="), "fo");
  for (const char* bad : {"Z", "Zm9vY", "Zm*v", "data:image/png,Zm8=", "Zg==Zg=="}) {
    MIEN_EXPECT_CODE(decode_base64(bad), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(Target, ReadsHeaderParameters) {
  EXPECT_EQ(media_type(" Text/HTML ; charset=x"), "text/html");
  EXPECT_EQ(header_parameter("form-data; name=\"a;b\\\"c\"; filename=f.png", "name"), "a;b\"c");
  EXPECT_EQ(header_parameter("form-data; name=\"a\"; filename=f.png", "filename"), "f.png");
  EXPECT_EQ(header_parameter("form-data", "name"), "");
  EXPECT_EQ(header_parameter("form-data; name=\"open", "name"), "open");
}

TEST(Target, KnowsLoopback) {
  EXPECT_EQ(host_name("LocalHost:80"), "localhost");
  EXPECT_EQ(host_name("[::1]:80"), "::1");
  for (const char* yes : {"localhost", "127.0.0.1", "127.3.2.1", "::1"}) {
    EXPECT_TRUE(is_loopback(yes)) << yes;
  }
  for (const char* no : {"", "example.org", "127.0.0.1.example.org", "0.0.0.0", "10.0.0.1"}) {
    EXPECT_FALSE(is_loopback(no)) << no;
  }
}

TEST(Target, ComparesTokens) {
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
}

constexpr std::string_view kForm = "multipart/form-data; boundary=XX";

TEST(Multipart, ReadsParts) {
  const std::string body =
      "preamble\r\n--XX\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n"
      "Content-Type: image/png\r\n\r\nbytes\r\n--X\r\n--XX  \r\n"
      "content-disposition: form-data; name=top\r\n\r\n\r\n--XX--\r\nepilogue";
  const auto parts = parse_multipart(body, kForm);
  MIEN_ASSERT_OK(parts);
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[0].name, "image");
  EXPECT_EQ((*parts)[0].file_name, "a.png");
  EXPECT_EQ((*parts)[0].content, "bytes\r\n--X");
  EXPECT_EQ((*parts)[1].name, "top");
  EXPECT_EQ((*parts)[1].content, "");
}

TEST(Multipart, RefusesBrokenForms) {
  const std::string head = "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n";
  for (const std::string& bad : std::vector<std::string>{
           "", "--XX", "--XX\r\n", "--XXmore\r\n", head, head + "text", head + "text\r\n--XX",
           "--XX\r\nContent-Disposition: form-data\r\n\r\nx\r\n--XX--",
           "--XX\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--XX--",
           "--XX\r\nno colon\r\n\r\nx\r\n--XX--"}) {
    MIEN_EXPECT_CODE(parse_multipart(bad, kForm), StatusCode::kInvalidArgument) << bad;
  }
  MIEN_EXPECT_CODE(parse_multipart("--\r\n", "multipart/form-data"), StatusCode::kInvalidArgument);
  std::string many;
  for (int i = 0; i < 65; ++i) many += head + "x\r\n";
  MIEN_EXPECT_CODE(parse_multipart(many + "--XX--", kForm), StatusCode::kResourceLimit);
  const std::string wide =
      "--XX\r\nContent-Disposition: form-data; name=" + std::string(5000, 'a') +
      "\r\n\r\nx\r\n--XX--";
  MIEN_EXPECT_CODE(parse_multipart(wide, kForm), StatusCode::kResourceLimit);
}

}  // namespace
}  // namespace mien::serve
