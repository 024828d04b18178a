#include "lake/avro_container.h"

#include <utility>
#include <zlib.h>

#include "base/hash.h"

namespace feedmill::lake {
namespace {

constexpr std::string_view kMagic("Obj\1", 4);
constexpr size_t kSyncBytes = 16;
// A block is ended when it has grown to this.
constexpr size_t kBlockBytes = 64u << 10;
constexpr size_t kBlockBytesMax = 256u << 20;
constexpr int kDeflateLevel = 6;
// Avro's deflate is RFC 1951 without a zlib header or checksum: negative window bits in zlib's interface.
constexpr int kRawDeflateWindow = -15;

// Written files take a marker made from their content, so that the same content gives the same bytes.
std::string SyncMarker(std::string_view header) {
  std::string sync;
  for (uint64_t seed : {0x66656564ull, 0x6d696c6cull}) {
    const uint64_t half = Hash64(header, seed);
    sync.append(reinterpret_cast<const char*>(&half), sizeof half);
  }
  return sync;
}

Result<std::string> Deflate(std::string_view bytes) {
  z_stream stream = {};
  if (deflateInit2(&stream, kDeflateLevel, Z_DEFLATED, kRawDeflateWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return Internal("deflate: no memory");
  }
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (code != Z_STREAM_END) return Internal("deflate: code {}", code);
  return out;
}

Status Inflate(std::string_view bytes, std::string* out) {
  z_stream stream = {};
  if (inflateInit2(&stream, kRawDeflateWindow) != Z_OK) return Internal("inflate: no memory");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  out->resize(std::max<size_t>(bytes.size() * 4, 1024));
  int code = Z_OK;
  while (true) {
    stream.next_out = reinterpret_cast<Bytef*>(out->data()) + stream.total_out;
    stream.avail_out = static_cast<uInt>(out->size() - stream.total_out);
    code = inflate(&stream, Z_NO_FLUSH);
    if (code != Z_OK || stream.avail_out > 0 || out->size() >= kBlockBytesMax) break;
    out->resize(std::min(out->size() * 2, kBlockBytesMax));
  }
  out->resize(stream.total_out);
  inflateEnd(&stream);
  if (code != Z_STREAM_END) return Corrupt("Avro: a deflate block that does not inflate (zlib code {})", code);
  return Ok();
}

}  // namespace

AvroContainerWriter::AvroContainerWriter(std::string_view schema_json,
                                         const std::map<std::string, std::string>& metadata, AvroCodec codec)
    : codec_(codec) {
  AvroEncoder header;
  header.WriteRaw(kMagic);
  header.WriteLong(static_cast<int64_t>(metadata.size()) + 2);
  header.WriteBytes("avro.schema");
  header.WriteBytes(schema_json);
  header.WriteBytes("avro.codec");
  header.WriteBytes(codec == AvroCodec::kNull ? "null" : "deflate");
  for (const auto& [key, value] : metadata) {
    header.WriteBytes(key);
    header.WriteBytes(value);
  }
  header.WriteLong(0);
  sync_ = SyncMarker(header.bytes());
  file_ = header.bytes() + sync_;
}

Status AvroContainerWriter::Add(std::string_view record) {
  block_.append(record);
  ++block_records_;
  return block_.size() < kBlockBytes ? Ok() : EndBlock();
}

Status AvroContainerWriter::EndBlock() {
  if (codec_ == AvroCodec::kDeflate) {
    FEEDMILL_ASSIGN(block_, Deflate(block_));
  }
  AvroEncoder prefix;
  prefix.WriteLong(block_records_);
  prefix.WriteBytes(block_);
  file_ += prefix.bytes();
  file_ += sync_;
  block_.clear();
  block_records_ = 0;
  return Ok();
}

Result<std::string> AvroContainerWriter::Finish() {
  if (block_records_ > 0) FEEDMILL_TRY(EndBlock());
  return std::move(file_);
}

Result<AvroContainerReader> AvroContainerReader::Open(std::string_view file) {
  if (!file.starts_with(kMagic)) return Corrupt("Avro: the file does not begin with 'Obj' and 1");
  AvroDecoder decoder(file.substr(kMagic.size()));
  AvroContainerReader reader;
  while (true) {
    FEEDMILL_ASSIGN(int64_t count, decoder.ReadBlockCount());
    if (count == 0) break;
    for (int64_t i = 0; i < count; ++i) {
      FEEDMILL_ASSIGN(std::string_view key, decoder.ReadBytes());
      FEEDMILL_ASSIGN(std::string_view value, decoder.ReadBytes());
      reader.metadata_[std::string(key)] = std::string(value);
    }
  }
  FEEDMILL_ASSIGN(reader.sync_, decoder.ReadRaw(kSyncBytes));
  reader.blocks_ = file.substr(file.size() - decoder.remaining());

  const std::string codec = reader.metadata_.contains("avro.codec") ? reader.metadata_["avro.codec"] : "null";
  if (codec != "null" && codec != "deflate") return Corrupt("Avro: codec '{}', allowed null and deflate", codec);
  reader.codec_ = codec == "null" ? AvroCodec::kNull : AvroCodec::kDeflate;
  auto schema = reader.metadata_.find("avro.schema");
  if (schema == reader.metadata_.end()) return Corrupt("Avro: the header has no avro.schema");
  FEEDMILL_ASSIGN(reader.schema_, AvroSchema::Parse(schema->second));
  return reader;
}

Result<std::string_view> AvroContainerReader::Decompress(std::string_view block, std::string* buffer) const {
  if (codec_ == AvroCodec::kNull) return block;
  FEEDMILL_TRY(Inflate(block, buffer));
  return std::string_view(*buffer);
}

Status AvroContainerReader::ForEach(const std::function<Status(AvroDecoder&)>& on_record) const {
  AvroDecoder blocks(blocks_);
  std::string buffer;
  while (blocks.remaining() > 0) {
    FEEDMILL_ASSIGN(int64_t records, blocks.ReadLong());
    FEEDMILL_ASSIGN(std::string_view compressed, blocks.ReadBytes());
    FEEDMILL_ASSIGN(std::string_view sync, blocks.ReadRaw(kSyncBytes));
    if (sync != sync_)
      return Corrupt("Avro: sync marker missing after a block, {} bytes before the end", blocks.remaining());
    FEEDMILL_ASSIGN(std::string_view content, Decompress(compressed, &buffer));
    if (records < 0 || static_cast<uint64_t>(records) > content.size()) {
      return Corrupt("Avro: a block of {} records in {} bytes", records, content.size());
    }
    AvroDecoder decoder(content);
    for (int64_t i = 0; i < records; ++i) FEEDMILL_TRY(on_record(decoder));
    if (decoder.remaining() > 0)
      return Corrupt("Avro: {} bytes left after the last record of a block", decoder.remaining());
  }
  return Ok();
}

}  // namespace feedmill::lake
