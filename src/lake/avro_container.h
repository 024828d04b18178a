// Avro object container files: header with schema and key-value metadata, then compressed blocks of records. Whole
// files in memory: Iceberg keeps manifests to some megabytes.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "lake/avro_binary.h"
#include "lake/avro_schema.h"

namespace feedmill::lake {

enum class AvroCodec { kNull, kDeflate };

class AvroContainerWriter {
 public:
  // `metadata` must not hold the reserved keys avro.schema and avro.codec.
  AvroContainerWriter(std::string_view schema_json, const std::map<std::string, std::string>& metadata,
                      AvroCodec codec);
  // `record` is the binary encoding of one record.
  Status Add(std::string_view record);
  // The file's bytes. The same records and metadata give the same bytes. Nothing may follow.
  Result<std::string> Finish();

 private:
  Status EndBlock();

  AvroCodec codec_;
  std::string sync_;
  std::string file_;
  std::string block_;
  int64_t block_records_ = 0;
};

class AvroContainerReader {
 public:
  // `file` outlives the reader. kCorrupt when the header is not one, or names a codec other than null and deflate.
  static Result<AvroContainerReader> Open(std::string_view file);

  const AvroSchema& schema() const { return schema_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // Calls `on_record` once a record, with the decoder at its first byte; it must read the record to its end.
  // kCorrupt on a bad block; bytes are checked as far as Avro's format allows (sync markers, lengths, deflate's own
  // checks).
  Status ForEach(const std::function<Status(AvroDecoder&)>& on_record) const;

 private:
  AvroContainerReader() = default;
  Result<std::string_view> Decompress(std::string_view block, std::string* buffer) const;

  AvroSchema schema_;
  std::map<std::string, std::string> metadata_;
  AvroCodec codec_ = AvroCodec::kNull;
  std::string_view sync_;
  std::string_view blocks_;
};

}  // namespace feedmill::lake
