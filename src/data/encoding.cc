#include "data/encoding.h"

#include <fmt/format.h>
#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <type_traits>

#include "core/utf8.h"

namespace mien::data {
namespace {

struct Close {
  void operator()(std::remove_pointer_t<iconv_t>* handle) const { iconv_close(handle); }
};

}  // namespace

Result<std::string> text_from_gbk(std::string_view text, std::string_view subject) {
  if (is_valid_utf8(text)) return std::string(text);
  const iconv_t opened = iconv_open("UTF-8", "GB18030");  // a superset of GBK
  if (reinterpret_cast<std::intptr_t>(opened) == -1) {
    return unsupported(fmt::format("{}: this system cannot convert GBK (expected UTF-8)", subject));
  }
  const std::unique_ptr<std::remove_pointer_t<iconv_t>, Close> handle(opened);
  std::string in(text);
  char* from = in.data();
  std::size_t left = in.size();
  std::string out;
  std::array<char, 4096> block;
  while (left > 0) {
    char* to = block.data();
    std::size_t room = block.size();
    const std::size_t done = iconv(handle.get(), &from, &left, &to, &room);
    const int problem = errno;
    out.append(block.data(), block.size() - room);
    if (done == static_cast<std::size_t>(-1) && problem != E2BIG) {
      const auto line = 1 + std::count(in.data(), from, '\n');
      return corrupt(fmt::format("{}:{}: invalid text (expected GBK)", subject, line));
    }
  }
  return out;
}

}  // namespace mien::data
