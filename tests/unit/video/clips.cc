#include "clips.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "core/file.h"
#include "video/ffmpeg.h"

namespace mien::video::test {

image::Image numbered_picture(int number, int width, int height) {
  image::Image out(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int bar = x * 8 / width;
      const std::uint8_t level = ((number >> bar) & 1) != 0 ? 235 : 20;
      for (int c = 0; c < 3; ++c) out.row(y)[3 * x + c] = level;
    }
  }
  return out;
}

int number_of(const image::Image& picture) {
  int number = 0;
  for (int bar = 0; bar < 8; ++bar) {
    const int x = (2 * bar + 1) * picture.width() / 16;
    const int level = picture.row(picture.height() / 2)[3 * x + 1];
    if (level > 128) number |= 1 << bar;
  }
  return number;
}

Status write_numbered(const std::filesystem::path& path, const std::vector<std::int64_t>& times_us,
                      int width, int height) {
  WriterOptions options;
  options.width = width;
  options.height = height;
  MIEN_ASSIGN_OR_RETURN(auto writer, open_writer(path, options));
  int number = 0;
  for (const std::int64_t time : times_us) {
    MIEN_RETURN_IF_ERROR(writer->write(numbered_picture(number++, width, height), time));
  }
  return writer->finish();
}

std::vector<std::int64_t> steady_times(int count) {
  std::vector<std::int64_t> times;
  for (int i = 0; i < count; ++i) times.push_back(std::int64_t{i} * 40'000);
  return times;
}

Listing list_frames(VideoSource& source) {
  Listing out;
  for (;;) {
    auto frame = source.next();
    if (!frame.ok()) {
      out.status = frame.status();
      return out;
    }
    if (!*frame) return out;
    out.numbers.push_back(number_of((*frame)->image));
    out.times_us.push_back((*frame)->timestamp_us);
    out.indices.push_back((*frame)->index);
  }
}

std::string name_of(std::string_view stem, int number, std::string_view extension) {
  std::string name(stem);
  name.append(std::to_string(number)).append(extension);
  return name;
}

bool have_ffmpeg() {
  static const bool have = std::system("ffmpeg -version >/dev/null 2>&1") == 0;
  return have;
}

bool have_encoder(const std::string& name) {
  return avcodec_find_encoder_by_name(name.c_str()) != nullptr;
}

bool ffmpeg(const std::string& arguments) {
  const std::string command =
      "ffmpeg -nostdin -v error -y " + arguments + " </dev/null >/dev/null 2>&1";
  return std::system(command.c_str()) == 0;
}

std::vector<std::byte> bytes_of(const std::filesystem::path& path) {
  return read_file(path, std::uint64_t{1} << 30).value();
}

void write_bytes(const std::filesystem::path& path, const std::vector<std::byte>& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace mien::video::test
