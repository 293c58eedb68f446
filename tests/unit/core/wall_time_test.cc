#include "mien/core/wall_time.h"

#include <gtest/gtest.h>

#include <string>

namespace mien {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

WallTime at(std::string_view text) {
  const auto out = parse_wall_time(text);
  EXPECT_TRUE(out.ok()) << text;
  return out.ok() ? *out : WallTime();
}

TEST(WallTime, Reads) {
  EXPECT_EQ(at("1970-01-01T00:00"), (WallTime{0, {}}));
  EXPECT_EQ(at("2026-03-01T14:05:00"), (WallTime{1772373900 * kSecond, {}}));
  EXPECT_EQ(at("2026-03-01 14:05:00.25Z"), (WallTime{1772373900 * kSecond + 250'000, 0}));
  EXPECT_EQ(at("2026-03-01T14:05:00,0333339+01:00"), (WallTime{1772373900 * kSecond + 33'333, 60}));
  EXPECT_EQ(at("2026-03-01t14:05-0330"), (WallTime{1772373900 * kSecond, -210}));
  EXPECT_EQ(at("2026-03-01T14:05:00+05"), (WallTime{1772373900 * kSecond, 300}));
  EXPECT_EQ(at("1969-12-31T23:59:59"), (WallTime{-kSecond, {}}));
}

TEST(WallTime, Writes) {
  for (const auto& [in, out] : std::initializer_list<std::pair<const char*, const char*>>{
           {"2026-03-01T14:05", "2026-03-01T14:05:00.000000"},
           {"2026-03-01T14:05:00.5Z", "2026-03-01T14:05:00.500000+00:00"},
           {"2026-03-01T14:05:00+01:00", "2026-03-01T14:05:00.000000+01:00"},
           {"2026-03-01T14:05:00-03:30", "2026-03-01T14:05:00.000000-03:30"},
           {"0999-01-01T00:00:00", "0999-01-01T00:00:00.000000"},
           {"1969-12-31T23:59:59.999999", "1969-12-31T23:59:59.999999"}}) {
    EXPECT_EQ(to_iso(at(in)), out);
    EXPECT_EQ(at(to_iso(at(in))), at(in));
  }
}

TEST(WallTime, CrossesDaysAndLeapDays) {
  const auto later = [](std::string_view text, std::int64_t seconds) {
    return to_iso(at(text).after(seconds * kSecond));
  };
  EXPECT_EQ(later("2026-03-01T23:59:59Z", 1), "2026-03-02T00:00:00.000000+00:00");
  EXPECT_EQ(later("2026-02-28T23:59:59", 1), "2026-03-01T00:00:00.000000");
  EXPECT_EQ(later("2028-02-28T23:59:59", 1), "2028-02-29T00:00:00.000000");
  EXPECT_EQ(later("2028-02-29T23:00:00+02:00", 3600), "2028-03-01T00:00:00.000000+02:00");
  EXPECT_EQ(later("2100-02-28T12:00", 86400), "2100-03-01T12:00:00.000000");
  EXPECT_EQ(later("2026-12-31T23:59:30", 45), "2027-01-01T00:00:15.000000");
}

TEST(WallTime, Refuses) {
  for (const char* text : {"",
                           "now",
                           "14:05:00",
                           "2026-03-01",
                           "2026-3-1T14:05",
                           "2026-02-29T00:00",
                           "2100-02-29T00:00",
                           "2026-13-01T00:00",
                           "2026-00-10T00:00",
                           "2026-01-00T00:00",
                           "2026-04-31T00:00",
                           "0000-01-01T00:00",
                           "2026-03-01T24:00:00",
                           "2026-03-01T14:60",
                           "2026-03-01T14:05:60",
                           "2026-03-01T14:05:00.",
                           "2026-03-01T14:05:00.Z",
                           "2026-03-01T14:05:00 Z",
                           "2026-03-01T14:05:00+",
                           "2026-03-01T14:05:00+1",
                           "2026-03-01T14:05:00+01:0",
                           "2026-03-01T14:05:00+01:60",
                           "2026-03-01T14:05:00+19:00",
                           "2026-03-01T14:05:00Z0",
                           "2026-03-01T14:05:00+01:00x",
                           " 2026-03-01T14:05",
                           "2026-03-01T-4:05",
                           "01.03.2026 14:05",
                           "20260301T140500"}) {
    const auto out = parse_wall_time(text);
    ASSERT_FALSE(out.ok()) << text;
    EXPECT_EQ(out.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(out.status().message().find("expected 2026-03-01T14:05:00"), std::string::npos);
  }
}

TEST(WallTime, ForPeople) {
  const WallTime day = at("2026-03-01T23:59:00+01:00");
  EXPECT_EQ(time_of_day(day, day), "23:59:00.0");
  EXPECT_EQ(time_of_day(day.after(1'240'000), day), "23:59:01.2");
  EXPECT_EQ(time_of_day(day.after(1'250'000), day), "23:59:01.3");
  EXPECT_EQ(time_of_day(day.after(59'940'000), day), "23:59:59.9");
  EXPECT_EQ(time_of_day(day.after(59'950'000), day), "2026-03-02 00:00:00.0");
  EXPECT_EQ(date_text(day), "2026-03-01 23:59:00 +01:00");
  EXPECT_EQ(date_text(at("2026-03-01T23:59:00.25")), "2026-03-01 23:59:00.3");
  EXPECT_EQ(date_text(at("1969-12-31T23:59:59.999999")), "1970-01-01 00:00:00");
}

}  // namespace
}  // namespace mien
