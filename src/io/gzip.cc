#include "io/gzip.h"

#include <algorithm>
#include <zlib.h>

namespace feedmill::io {
namespace {

constexpr int kGzipWindow = 15 + 16;  // largest window, gzip wrapper
constexpr size_t kFirstPiece = 16 * 1024;

Bytef* Input(std::string_view bytes) { return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data())); }

struct InflateStream {
  z_stream stream{};
  bool ready = inflateInit2(&stream, kGzipWindow) == Z_OK;
  ~InflateStream() {
    if (ready) inflateEnd(&stream);
  }
};

}  // namespace

Result<std::string> Gunzip(std::string_view bytes, size_t bytes_max) {
  InflateStream inflater;
  if (!inflater.ready) return Internal("gzip: cannot start");
  z_stream& stream = inflater.stream;
  stream.next_in = Input(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  for (;;) {
    if (out.size() == bytes_max + 1)
      return ResourceExhausted("gzip: unpacked size: found more than {} bytes", bytes_max);
    size_t start = out.size();
    out.resize(std::min(bytes_max + 1, std::max(kFirstPiece, start * 2)));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + start);
    stream.avail_out = static_cast<uInt>(out.size() - start);
    int result = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (result == Z_STREAM_END) break;
    bool more = result == Z_OK && (stream.avail_out == 0 || stream.avail_in > 0);
    if (!more) return InvalidArgument("gzip: broken or cut off after {} of {} bytes", stream.total_in, bytes.size());
  }
  if (out.size() > bytes_max) return ResourceExhausted("gzip: unpacked size: found more than {} bytes", bytes_max);
  if (stream.avail_in > 0) return InvalidArgument("gzip: {} bytes after its end", stream.avail_in);
  return out;
}

std::string Gzip(std::string_view bytes) {
  z_stream stream{};
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = Input(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace feedmill::io
