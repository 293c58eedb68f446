#include <dlfcn.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

#include "mien/video/source.h"
#include "video/byte_source.h"
#include "video/container.h"
#include "video/ffmpeg_source.h"

extern "C" {
#include <libavdevice/avdevice.h>
}

namespace mien::video {
namespace {

Result<std::unique_ptr<VideoSource>> open_bytes(std::unique_ptr<ByteSource> bytes, std::string name,
                                                const OpenOptions& options) {
  MIEN_ASSIGN_OR_RETURN(Container container,
                        Container::open(std::move(bytes), std::move(name), options));
  return FfmpegSource::make(std::move(container), options);
}

// libavdevice pulls in about eighty display and sound libraries, which would add 50 ms to every
// program start. Only cameras need it, so it is loaded when the first one is opened, and stays
// loaded.
Status register_devices() {
  const char* const name = "libavdevice.so." AV_STRINGIFY(LIBAVDEVICE_VERSION_MAJOR);
  void* const library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return unsupported(std::string(name) + ": is needed to read cameras");
  void* const symbol = ::dlsym(library, "avdevice_register_all");
  if (symbol == nullptr) return unsupported(std::string(name) + ": cannot be used");
  reinterpret_cast<decltype(&avdevice_register_all)>(symbol)();
  return {};
}

}  // namespace

Result<std::unique_ptr<VideoSource>> open_file(const std::filesystem::path& path,
                                               const OpenOptions& options) {
  MIEN_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> bytes, open_file_bytes(path, options.cancel));
  return open_bytes(std::move(bytes), path.string(), options);
}

Result<std::unique_ptr<VideoSource>> open_stream(int fd, std::vector<std::byte> prefix,
                                                 std::string name, const OpenOptions& options) {
  return open_bytes(make_stream_bytes(fd, std::move(prefix), options.cancel), std::move(name),
                    options);
}

Result<std::unique_ptr<VideoSource>> open_memory(std::span<const std::byte> bytes,
                                                 const OpenOptions& options) {
  return open_bytes(make_memory_bytes(bytes, options.cancel), "memory", options);
}

Result<std::unique_ptr<VideoSource>> open_camera(const std::string& device,
                                                 const OpenOptions& options) {
  silence_ffmpeg();
  struct stat info {};
  if (::stat(device.c_str(), &info) != 0) return not_found(device + ": no such camera");
  if (!S_ISCHR(info.st_mode)) {
    return unsupported(device + ": is not a camera (expected a V4L2 device)");
  }
  MIEN_RETURN_IF_ERROR(register_devices());
  const AVInputFormat* format = av_find_input_format("video4linux2");
  if (format == nullptr) return unsupported(device + ": this FFmpeg cannot read cameras");
  MIEN_ASSIGN_OR_RETURN(Container container, Container::open_device(format, device, options));
  return FfmpegSource::make(std::move(container), options);
}

std::string to_string(const CutShort& cut) {
  const std::string frames = std::to_string(cut.frames);
  if (cut.expected <= 0) return "cut short: the end is missing after " + frames + " frames";
  return "cut short: " + frames + " of about " + std::to_string(cut.expected) + " frames";
}

bool has_video_extension(const std::filesystem::path& path) {
  static constexpr std::array<std::string_view, 25> kExtensions = {
      ".3g2",  ".3gp", ".asf",   ".avi",  ".divx", ".dv",   ".flv", ".gif",  ".ivf",
      ".m2ts", ".m4v", ".mjpeg", ".mjpg", ".mkv",  ".mov",  ".mp4", ".mpeg", ".mpg",
      ".mts",  ".mxf", ".ogv",   ".ts",   ".vob",  ".webm", ".wmv"};
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

}  // namespace mien::video
