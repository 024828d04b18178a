// The rest of an answer that goes on as long as somebody has something to say: server-sent events.
#pragma once

#include <atomic>
#include <memory>
#include <string_view>

namespace feedmill::io {

struct HttpReturnAddress;

// What both ends of a stream share.
struct HttpStreamState {
  std::atomic<bool> open{true};
  std::atomic<size_t> unsent{0};  // bytes that were taken and have not gone to the socket
  size_t unsent_max = 0;
};

// The writer's end; any thread, one at a time. The connection ends with the stream.
class HttpStream {
 public:
  HttpStream(std::shared_ptr<HttpReturnAddress> address, std::shared_ptr<HttpStreamState> state);
  HttpStream(HttpStream&&) noexcept = default;
  HttpStream& operator=(HttpStream&& other) noexcept;
  ~HttpStream();

  // False when nothing was taken: the peer is gone, or has not read what was sent before. Then it may be tried again
  // later, so that a reader who is slow holds a bounded memory and nobody up. A piece that is larger than what may wait
  // is taken when nothing waits.
  bool Send(std::string_view piece);
  bool is_open() const { return state_ != nullptr && state_->open.load(std::memory_order_relaxed); }

 private:
  void End();
  std::shared_ptr<HttpReturnAddress> address_;
  std::shared_ptr<HttpStreamState> state_;
};

}  // namespace feedmill::io
