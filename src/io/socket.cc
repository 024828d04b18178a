#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <utility>

#include "io/socket_internal.h"

namespace feedmill::io {
namespace {

constexpr size_t kReceiveBytes = 64 * 1024;

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Result<Addresses> Resolve(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int failure = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failure != 0) return Unavailable("{}: {}", host, gai_strerror(failure));
  return Addresses(found, &freeaddrinfo);
}

std::unexpected<Error> Cut(std::string_view doing) { return Unavailable("{}: {}", doing, std::strerror(errno)); }

}  // namespace

Socket::Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

Socket::~Socket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<Socket> Socket::Connect(const std::string& host, uint16_t port, Deadline deadline) {
  FEEDMILL_ASSIGN(Addresses addresses, Resolve(host, port));
  Status last = Unavailable("no address");
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    Socket socket(::socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket.descriptor_ < 0) return Io("socket: {}", std::strerror(errno));
    int one = 1;
    ::setsockopt(socket.descriptor_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    bool at_once = ::connect(socket.descriptor_, address->ai_addr, address->ai_addrlen) == 0;
    if (!at_once && errno == EINPROGRESS) {
      last = socket.WaitFor(POLLOUT, deadline);
      if (!last) continue;
      socklen_t length = sizeof(errno);
      ::getsockopt(socket.descriptor_, SOL_SOCKET, SO_ERROR, &errno, &length);
      at_once = errno == 0;
    }
    if (at_once) return socket;
    last = Cut("connect");
  }
  return std::unexpected(last.error().WithContext(fmt::format("{}:{}", host, port)));
}

Status Socket::WaitFor(short events, Deadline deadline) const {
  for (;;) {
    Micros left = deadline.Left();
    if (left == 0) return DeadlineExceeded("the peer did not answer in time");
    pollfd wanted{descriptor_, events, 0};
    int ready = ::poll(&wanted, 1, static_cast<int>(std::min<Micros>((left + 999) / 1000, INT_MAX)));
    if (ready > 0) return Ok();
    if (ready < 0 && errno != EINTR) return Io("poll: {}", std::strerror(errno));
  }
}

Status Socket::SendAll(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      FEEDMILL_TRY(WaitFor(POLLOUT, deadline));
    } else if (errno != EINTR) {
      return Cut("send");
    }
  }
  return Ok();
}

Status Socket::Receive(std::string* out, Deadline deadline) {
  out->resize(kReceiveBytes);
  for (;;) {
    ssize_t got = ::recv(descriptor_, out->data(), out->size(), 0);
    if (got >= 0) {
      out->resize(static_cast<size_t>(got));
      return Ok();
    }
    if (errno == EAGAIN) {
      FEEDMILL_TRY(WaitFor(POLLIN, deadline));
    } else if (errno != EINTR) {
      return Cut("receive");
    }
  }
}

void Socket::ShutdownSend() { ::shutdown(descriptor_, SHUT_WR); }

void Socket::Reset() {
  linger at_once{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  ::close(std::exchange(descriptor_, -1));
}

}  // namespace feedmill::io
