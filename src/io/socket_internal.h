// A blocking TCP connection whose every wait has a deadline. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "base/result.h"

namespace feedmill::io {

class Socket {
 public:
  // kUnavailable: nobody listens, the name is not known, cut. kDeadlineExceeded.
  static Result<Socket> Connect(const std::string& host, uint16_t port, Deadline deadline);
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  Status SendAll(std::string_view bytes, Deadline deadline);
  // Replaces `out` by what is there, at least one byte; empty = the peer closed.
  Status Receive(std::string* out, Deadline deadline);
  // Sends nothing more; what the peer sends can still be received.
  void ShutdownSend();
  // Ends with a reset instead of a farewell: for tests of peers that are cut off.
  void Reset();

 private:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Status WaitFor(short events, Deadline deadline) const;
  int descriptor_;
};

}  // namespace feedmill::io
