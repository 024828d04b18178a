#include "io/http_stream.h"

#include <string>
#include <utility>

#include "io/http_mailbox_internal.h"

namespace feedmill::io {

HttpStream::HttpStream(std::shared_ptr<HttpReturnAddress> address, std::shared_ptr<HttpStreamState> state)
    : address_(std::move(address)), state_(std::move(state)) {}

HttpStream& HttpStream::operator=(HttpStream&& other) noexcept {
  std::swap(address_, other.address_);
  std::swap(state_, other.state_);
  return *this;
}

HttpStream::~HttpStream() { End(); }

bool HttpStream::Send(std::string_view piece) {
  if (!is_open()) return false;
  const size_t waiting = state_->unsent.load(std::memory_order_relaxed);
  if (waiting > 0 && waiting + piece.size() > state_->unsent_max) return false;
  state_->unsent.fetch_add(piece.size(), std::memory_order_relaxed);
  address_->mailbox->Post({address_, HttpPiece{std::string(piece), false}});
  return true;
}

void HttpStream::End() {
  if (is_open()) address_->mailbox->Post({address_, HttpPiece{"", true}});
  state_.reset();
}

}  // namespace feedmill::io
