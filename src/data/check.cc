#include "data/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <string_view>
#include <thread>
#include <utility>

#include "core/start_thread.h"
#include "data/class_doubts.h"
#include "data/store.h"
#include "mien/image/decode.h"

namespace mien::data {
namespace {

std::size_t place_of(std::vector<std::string>& names, const std::string& name) {
  const auto it = std::find(names.begin(), names.end(), name);
  if (it != names.end()) return static_cast<std::size_t>(it - names.begin());
  names.push_back(name);
  return names.size() - 1;
}

void count(const Manifest& manifest, CheckReport& out) {
  std::set<std::string_view> subjects;
  std::vector<std::size_t> split_of;
  for (const Sample& sample : manifest.samples) {
    split_of.push_back(place_of(out.splits, sample.split));
  }
  out.of_split.assign(out.splits.size(), 0);
  out.counts.assign(manifest.classes.size(), out.of_split);
  out.samples = static_cast<std::int64_t>(manifest.samples.size());
  out.unlabelled = manifest.unlabelled;
  for (std::size_t i = 0; i < manifest.samples.size(); ++i) {
    const Sample& sample = manifest.samples[i];
    ++out.of_split[split_of[i]];
    for (const int label : sample.labels) {
      ++out.counts[static_cast<std::size_t>(label)][split_of[i]];
    }
    out.frames += static_cast<std::int64_t>(sample.frames.size());
    out.unlabelled += sample.labels.empty() ? 1 : 0;
    out.compound += sample.labels.size() > 1 ? 1 : 0;
    out.with_caption += sample.caption.empty() ? 0 : 1;
    out.with_votes += sample.soft.empty() ? 0 : 1;
    if (!sample.subject.empty()) subjects.insert(sample.subject);
  }
  out.subjects = static_cast<std::int64_t>(subjects.size());
}

std::string in_split(const Sample& sample) {
  return sample.split.empty() ? fmt::format("'{}'", sample.id)
                              : fmt::format("'{}' ({})", sample.id, sample.split);
}

Problems find_duplicates(const Manifest& manifest) {
  Problems out{.kind = "duplicate"};
  std::map<std::string_view, const Sample*> first;
  for (const Sample& sample : manifest.samples) {
    const Sample* told = nullptr;  // reported once per pair of samples, not per frame
    for (const std::string& frame : sample.frames) {
      const auto [it, fresh] = first.emplace(frame, &sample);
      if (fresh || it->second == told) continue;
      told = it->second;
      const bool same = told->labels == sample.labels;
      out.messages.push_back(fmt::format("{}: used by sample {} and again by {}{}", frame,
                                         in_split(*told), in_split(sample),
                                         same ? "" : ", with another label"));
    }
  }
  return out;
}

Problems find_leaks(const Manifest& manifest) {
  Problems out{.kind = "leak"};
  std::map<std::string_view, std::vector<std::string>> splits;
  for (const Sample& sample : manifest.samples) {
    if (!sample.subject.empty()) place_of(splits[sample.subject], sample.split);
  }
  for (const auto& [subject, names] : splits) {
    if (names.size() < 2) continue;
    out.messages.push_back(fmt::format("subject '{}': is in splits {} (expected one)", subject,
                                       fmt::join(names, ", ")));
  }
  return out;
}

Problems find_empty_classes(const Manifest& manifest, const CheckReport& report) {
  Problems out{.kind = "empty_class"};
  for (std::size_t c = 0; c < manifest.classes.size(); ++c) {
    const auto& row = report.counts[c];
    if (std::all_of(row.begin(), row.end(), [](std::int64_t n) { return n == 0; })) {
      out.messages.push_back(fmt::format("class '{}': has no sample", manifest.classes[c]));
    }
  }
  return out;
}

Problems find_uncaptioned(const Manifest& manifest, bool needed) {
  Problems out{.kind = "caption"};
  for (const Sample& sample : manifest.samples) {
    if (needed && sample.caption.empty()) {
      out.messages.push_back(fmt::format("sample {}: has no caption", in_split(sample)));
    }
  }
  return out;
}

// The frames of the manifest; workers take them one by one.
class Decoding {
 public:
  Decoding(const Manifest& manifest, const CheckOptions& options)
      : manifest_(manifest), options_(options) {
    std::set<std::string_view> seen;
    for (const Sample& sample : manifest.samples) {
      const std::size_t wanted = options.all_frames
                                     ? sample.frames.size()
                                     : std::min<std::size_t>(1, sample.frames.size());
      for (std::size_t f = 0; f < wanted; ++f) {
        if (seen.insert(sample.frames[f]).second) frames_.push_back(&sample.frames[f]);
      }
    }
  }

  Result<Problems> run() {
    std::vector<std::thread> threads;
    // Fewer threads than requested also do the work.
    for (int i = 1; i < options_.threads; ++i) {
      if (!start_thread(threads, [this] { work(); }).ok()) break;
    }
    work();
    for (std::thread& thread : threads) thread.join();
    if (stopped()) return cancelled(fmt::format("{}: check cancelled", manifest_.name));
    Problems out{.kind = "unreadable"};
    for (auto& [index, message] : bad_) out.messages.push_back(std::move(message));
    return out;
  }
  std::int64_t total() const { return static_cast<std::int64_t>(frames_.size()); }

 private:
  bool stopped() const { return options_.cancel != nullptr && *options_.cancel; }

  // An exception that leaves a thread ends the process.
  Status decode(const std::string& name) const {
    try {
      return decode_or_throw(name);
    } catch (const std::bad_alloc&) {
      return resource_limit("not enough memory to decode it");
    } catch (const std::exception& error) {
      return internal_error(error.what());
    }
  }

  Status decode_or_throw(const std::string& name) const {
    MIEN_ASSIGN_OR_RETURN(const auto bytes, manifest_.store->read(name));
    const auto picture = image::decode(bytes, options_.limits);
    return picture.ok() ? Status() : picture.status();
  }

  void work() {
    for (std::size_t i = next_++; i < frames_.size() && !stopped(); i = next_++) {
      const Status status = decode(*frames_[i]);
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!status.ok()) bad_.emplace(i, status.with_prefix(*frames_[i]).message());
      if (options_.progress) options_.progress(++done_);
    }
  }

  const Manifest& manifest_;
  const CheckOptions& options_;
  std::vector<const std::string*> frames_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  std::map<std::size_t, std::string> bad_;
  std::int64_t done_ = 0;
};

}  // namespace

std::int64_t CheckReport::problem_count() const {
  std::int64_t out = 0;
  for (const Problems& each : problems) out += static_cast<std::int64_t>(each.messages.size());
  return out;
}

Result<CheckReport> check_manifest(const Manifest& manifest, const CheckOptions& options) {
  CheckReport out;
  count(manifest, out);
  out.problems.push_back({.kind = "missing", .messages = manifest.missing});
  Decoding decoding(manifest, options);
  out.decoded = decoding.total();
  MIEN_ASSIGN_OR_RETURN(Problems unreadable, decoding.run());
  out.problems.push_back(std::move(unreadable));
  out.problems.push_back(find_duplicates(manifest));
  out.problems.push_back(find_leaks(manifest));
  out.problems.push_back(find_empty_classes(manifest, out));
  out.problems.push_back({.kind = "class_name", .messages = class_doubts(manifest)});
  out.problems.push_back(find_uncaptioned(manifest, options.need_captions));
  return out;
}

}  // namespace mien::data
