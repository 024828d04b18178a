#include "console/live_events.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "console/console_json.h"

namespace feedmill::console {
namespace {

constexpr size_t kKeptMax = 400;                       // messages, as many as the ring has
constexpr size_t kPieceBytes = 16 << 10;               // about; sent at once to one reader
constexpr Micros kSilenceMax = 15 * kMicrosPerSecond;  // then a word that means nothing: proxies and peers stay awake

std::string TextOf(const ActivityRow& row) { return fmt::format("id: {}\ndata: {}\n\n", row.sequence, EventJson(row)); }

std::string Missed(uint64_t messages) { return fmt::format("event: missed\ndata: {{\"messages\":{}}}\n\n", messages); }

}  // namespace

LiveEvents::LiveEvents(const ActivityRing& ring, Micros every) : ring_(ring), every_(every) {
  thread_ = std::thread([this] { Run(); });
}

void LiveEvents::Join(io::HttpStream&& stream, uint64_t after, bool refused_only) {
  const MutexLock lock(mutex_);
  if (stopping_) return;
  readers_.push_back({std::move(stream), after, refused_only, MonotonicMicros()});
  changed_.NotifyAll();
}

size_t LiveEvents::readers() const {
  const MutexLock lock(mutex_);
  return readers_.size();
}

void LiveEvents::Stop() {
  {
    const MutexLock lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    readers_.clear();
  }
  changed_.NotifyAll();
  thread_.join();
}

void LiveEvents::Run() {
  const MutexLock lock(mutex_);
  while (!stopping_) {
    if (readers_.empty()) {
      changed_.WaitFor(mutex_, kMicrosPerHour,
                       [this]() FEEDMILL_REQUIRES(mutex_) { return stopping_ || !readers_.empty(); });
      continue;
    }
    ReadRing();
    const Micros now = MonotonicMicros();
    std::erase_if(readers_, [&](Reader& reader) { return !Serve(&reader, now); });
    const size_t known = readers_.size();
    changed_.WaitFor(mutex_, every_, [&]() FEEDMILL_REQUIRES(mutex_) { return stopping_ || readers_.size() > known; });
  }
}

void LiveEvents::ReadRing() {
  const std::vector<ActivityRow> rows = ring_.Newest(kKeptMax, kept_.empty() ? 0 : kept_.back().sequence);
  for (auto row = rows.rbegin(); row != rows.rend(); ++row)
    kept_.push_back({row->sequence, row->kind == "refused", TextOf(*row)});
  while (kept_.size() > kKeptMax) kept_.pop_front();
}

bool LiveEvents::Serve(Reader* reader, Micros now) const {
  if (!kept_.empty() && reader->after > kept_.back().sequence) reader->after = 0;  // it is of a former process
  auto next = std::ranges::upper_bound(kept_, reader->after, {}, &Message::sequence);
  std::string piece;
  if (reader->after != 0 && next != kept_.end() && !reader->refused_only) {
    const uint64_t came = kept_.back().sequence - reader->after, kept = static_cast<uint64_t>(kept_.end() - next);
    if (came > kept) piece = Missed(came - kept);
  }
  while (next != kept_.end()) {
    uint64_t last = reader->after;
    for (; next != kept_.end() && piece.size() < kPieceBytes; ++next) {
      last = next->sequence;
      if (next->refused || !reader->refused_only) piece += next->text;
    }
    if (!piece.empty()) {
      if (!reader->stream.Send(piece)) return reader->stream.is_open();
      reader->spoken_at = now;
    }
    reader->after = last;
    piece.clear();
  }
  if (now - reader->spoken_at > kSilenceMax && reader->stream.Send(": nothing new\n\n")) reader->spoken_at = now;
  return reader->stream.is_open();
}

}  // namespace feedmill::console
