#include "serve/scheduler.h"

#include <algorithm>
#include <exception>
#include <new>

#include "core/start_thread.h"
#include "mien/kernels/cpu.h"

namespace mien::serve {

Result<std::unique_ptr<Scheduler>> Scheduler::start(const Options& options) {
  std::unique_ptr<Scheduler> out(new Scheduler(options));
  if (out->options_.threads <= 0) out->options_.threads = std::max(1, options.workers);
  Status started;  // fewer workers than asked for also do the work
  for (int i = 0; i < std::max(1, options.workers) && started.ok(); ++i) {
    started = start_thread(out->threads_, [scheduler = out.get()] { scheduler->work(); });
  }
  if (out->threads_.empty()) return started;
  return out;
}

Scheduler::~Scheduler() { finish(); }

void Scheduler::finish() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool Scheduler::post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || tasks_.size() >= options_.queue) return false;
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
  return true;
}

bool Scheduler::post_first(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    first_.push_back(std::move(task));
  }
  wake_.notify_one();
  return true;
}

void Scheduler::encode(Crops crops) {
  {
    const std::lock_guard lock(mutex_);
    waiting_faces_ += crops.count;
    crops_.push_back({std::move(crops), Clock::now()});
  }
  wake_.notify_one();
}

Scheduler::Counts Scheduler::counts() const {
  const std::lock_guard lock(mutex_);
  Counts out = counts_;
  out.waiting = tasks_.size() + first_.size();
  return out;
}

bool Scheduler::full() const {
  const std::lock_guard lock(mutex_);
  return closed_ || tasks_.size() >= options_.queue;
}

bool Scheduler::batch_is_due() const {
  if (crops_.empty()) return false;
  if (tasks_.empty() && first_.empty()) return true;
  return waiting_faces_ >= options_.batch || Clock::now() - crops_.front().since >= options_.delay;
}

std::vector<Crops> Scheduler::take_batch() {
  std::vector<Crops> out;
  std::int64_t faces = 0;
  const auto bundle = crops_.front().crops.bundle;
  for (auto it = crops_.begin(); it != crops_.end();) {
    const std::int64_t more = it->crops.count;
    if (it->crops.bundle != bundle || (faces > 0 && faces + more > options_.batch)) {
      ++it;
      continue;
    }
    faces += more;
    out.push_back(std::move(it->crops));
    it = crops_.erase(it);
    if (faces >= options_.batch) break;
  }
  waiting_faces_ -= faces;
  ++counts_.batches;
  counts_.faces += faces;
  return out;
}

void Scheduler::work() {
  Worker worker;
  std::unique_lock lock(mutex_);
  for (;;) {
    // A busy worker may still hand over faces, so it wakes the others when it is done.
    wake_.wait(lock, [&] {
      return !first_.empty() || !tasks_.empty() || !crops_.empty() ||
             (closed_ && counts_.busy == 0);
    });
    std::vector<Crops> batch;
    Task task;
    if (batch_is_due()) {
      batch = take_batch();
    } else if (!first_.empty() || !tasks_.empty()) {
      auto& queue = first_.empty() ? tasks_ : first_;
      task = std::move(queue.front());
      queue.pop_front();
    } else {
      return;
    }
    ++counts_.busy;
    // The kernels of a single busy worker use all threads.
    kernels::set_threads(std::max(1, options_.threads / counts_.busy));
    lock.unlock();
    if (task) {
      task(worker);
      task = nullptr;
    } else {
      run_batch(worker, batch);
      batch.clear();
    }
    lock.lock();
    --counts_.busy;
    if (closed_) wake_.notify_all();
  }
}

void Scheduler::run_batch(Worker& worker, std::vector<Crops>& batch) {
  Status status;
  std::vector<float> rows;
  std::size_t width = 0;
  try {
    const engine::Bundle& bundle = *batch.front().bundle;
    const auto encoder = bundle.image_encoder();
    status = encoder.status();
    if (status.ok()) {
      width = static_cast<std::size_t>((*encoder)->embed());
      std::int64_t faces = 0;
      for (const Crops& one : batch) faces += one.count;
      rows.resize(static_cast<std::size_t>(faces) * width);
      std::vector<float> joined;
      const float* pixels = batch.front().pixels.data();
      if (batch.size() > 1) {
        for (const Crops& one : batch) {
          joined.insert(joined.end(), one.pixels.begin(), one.pixels.end());
        }
        pixels = joined.data();
      }
      status = (*encoder)->encode(pixels, faces, rows.data(), worker.session);
    }
  } catch (const std::bad_alloc&) {
    status = resource_limit("faces: not enough memory");
  } catch (const std::exception& error) {
    status = internal_error(std::string("faces: ") + error.what());
  }
  std::size_t at = 0;
  for (const Crops& one : batch) {
    one.done(worker, status, status.ok() ? rows.data() + at : nullptr);
    at += static_cast<std::size_t>(one.count) * width;
  }
}

}  // namespace mien::serve
