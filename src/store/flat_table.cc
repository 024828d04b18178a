#include "store/flat_table.h"

#include <algorithm>
#include <cstring>

#include "base/prefetch.h"
#include "io/resident_file.h"
#include "store/key_index_internal.h"
#include "store/sealed_file_internal.h"

namespace feedmill::store {
namespace {

constexpr std::string_view kMagic = "FMFLAT\r\n";
constexpr uint32_t kVersion = 1;
enum Section { kMeta, kSlots, kKeyOffsets, kKeyBytes, kRows, kSectionCount };

constexpr size_t kFieldsMax = 1024;
constexpr size_t kFieldNameBytesMax = 255;
constexpr size_t kRowBytesMax = 1 << 20;

size_t TypeBytes(FieldType type) {
  switch (type) {
    case FieldType::kFloat32:
      return 4;
    case FieldType::kInt8:
      return 1;
    case FieldType::kUint32:
      return 4;
    case FieldType::kInt64:
      return 8;
  }
  return 0;
}

std::string_view TypeName(FieldType type) {
  switch (type) {
    case FieldType::kFloat32:
      return "float32";
    case FieldType::kInt8:
      return "int8";
    case FieldType::kUint32:
      return "uint32";
    case FieldType::kInt64:
      return "int64";
  }
  return "unknown";
}

size_t RoundUp(size_t value, size_t to) { return (value + to - 1) / to * to; }

// Where each field stands in a row, and how long a row is.
struct RowLayout {
  std::vector<size_t> offsets;
  size_t row_bytes = 0;
};

Result<RowLayout> LayOut(const std::vector<FlatField>& fields) {
  if (fields.empty() || fields.size() > kFieldsMax) {
    return InvalidArgument("flat table: {} fields; allowed are 1 to {}", fields.size(), kFieldsMax);
  }
  RowLayout layout;
  size_t widest = 1;
  for (size_t i = 0; i < fields.size(); ++i) {
    const FlatField& field = fields[i];
    const size_t width = TypeBytes(field.type);
    if (width == 0) return InvalidArgument("flat table: field {} has type number {}", i, static_cast<int>(field.type));
    if (field.name.empty() || field.name.size() > kFieldNameBytesMax) {
      return InvalidArgument("flat table: field {} has a name of {} bytes; allowed are 1 to {}", i, field.name.size(),
                             kFieldNameBytesMax);
    }
    if (std::any_of(fields.begin(), fields.begin() + i,
                    [&](const FlatField& other) { return other.name == field.name; })) {
      return InvalidArgument("flat table: two fields are named '{}'", field.name);
    }
    layout.row_bytes = RoundUp(layout.row_bytes, width);
    layout.offsets.push_back(layout.row_bytes);
    if (field.count == 0 || field.count > (kRowBytesMax - layout.row_bytes) / width) {
      return InvalidArgument("flat table: field '{}' of {} x {} makes the row longer than {} bytes or is empty",
                             field.name, field.count, TypeName(field.type), kRowBytesMax);
    }
    layout.row_bytes += field.count * width;
    widest = std::max(widest, width);
  }
  layout.row_bytes = RoundUp(layout.row_bytes, widest);
  return layout;
}

// Meta section: row count, row bytes (u64 each), field count (u32), then per field type (u8), count (u32), name (u8
// length, bytes).
std::string EncodeMeta(uint64_t row_count, uint64_t row_bytes, const std::vector<FlatField>& fields) {
  std::string out;
  const auto put = [&out](auto value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); };
  put(row_count);
  put(row_bytes);
  put(static_cast<uint32_t>(fields.size()));
  for (const FlatField& field : fields) {
    put(static_cast<uint8_t>(field.type));
    put(field.count);
    put(static_cast<uint8_t>(field.name.size()));
    out.append(field.name);
  }
  return out;
}

class MetaReader {
 public:
  explicit MetaReader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  template <typename T>
  bool Read(T* value) {
    if (bytes_.size() < sizeof(T)) return false;
    std::memcpy(value, bytes_.data(), sizeof(T));
    bytes_ = bytes_.subspan(sizeof(T));
    return true;
  }
  bool ReadText(size_t size, std::string* text) {
    if (bytes_.size() < size) return false;
    text->assign(reinterpret_cast<const char*>(bytes_.data()), size);
    bytes_ = bytes_.subspan(size);
    return true;
  }
  bool AtEnd() const { return bytes_.empty(); }

 private:
  std::span<const std::byte> bytes_;
};

struct Meta {
  uint64_t row_count = 0;
  uint64_t row_bytes = 0;
  std::vector<FlatField> fields;
};

Result<Meta> DecodeMeta(std::span<const std::byte> bytes) {
  Meta meta;
  MetaReader reader(bytes);
  uint32_t field_count = 0;
  bool whole = reader.Read(&meta.row_count) && reader.Read(&meta.row_bytes) && reader.Read(&field_count) &&
               field_count <= kFieldsMax;
  for (uint32_t i = 0; whole && i < field_count; ++i) {
    FlatField field;
    uint8_t name_size = 0;
    whole = reader.Read(&field.type) && reader.Read(&field.count) && reader.Read(&name_size) &&
            reader.ReadText(name_size, &field.name);
    meta.fields.push_back(std::move(field));
  }
  if (!whole || !reader.AtEnd())
    return Corrupt("meta: the list of {} fields does not fit its {} bytes", field_count, bytes.size());
  return meta;
}

class MappedFlatTable final : public FlatTable {
 public:
  static Result<std::unique_ptr<FlatTable>> Make(SealedFile file) {
    auto table = std::make_unique<MappedFlatTable>();
    FEEDMILL_ASSIGN(Meta meta, DecodeMeta(file.section(kMeta)));
    auto layout = LayOut(meta.fields);
    if (!layout) return Corrupt("meta: {}", layout.error().message());
    if (layout->row_bytes != meta.row_bytes)
      return Corrupt("meta: rows of {} bytes; the fields make {}", meta.row_bytes, layout->row_bytes);
    const auto rows = file.section(kRows);
    if (rows.size() / meta.row_bytes != meta.row_count || rows.size() % meta.row_bytes != 0) {
      return Corrupt("rows: {} bytes are not {} rows of {}", rows.size(), meta.row_count, meta.row_bytes);
    }
    FEEDMILL_ASSIGN(table->keys_, KeyIndex::Parse(file.section(kSlots), file.section(kKeyOffsets),
                                                  file.section(kKeyBytes), meta.row_count));
    table->file_ = std::move(file);
    table->rows_ = rows.data();
    table->fields_ = std::move(meta.fields);
    table->layout_ = std::move(*layout);
    return table;
  }

  const std::vector<FlatField>& fields() const override { return fields_; }
  size_t row_count() const override { return keys_.size(); }
  size_t row_bytes() const override { return layout_.row_bytes; }

  Result<size_t> FieldOffset(std::string_view name, FieldType type, uint32_t count) const override {
    std::string known;
    for (size_t i = 0; i < fields_.size(); ++i) {
      const FlatField& field = fields_[i];
      if (field.name == name && field.type == type && field.count == count) return layout_.offsets[i];
      known += fmt::format("{}{} {} x {}", i == 0 ? "" : ", ", field.name, TypeName(field.type), field.count);
    }
    return NotFound("field '{}' of {} x {} is not in the table; it has: {}", name, TypeName(type), count, known);
  }

  int64_t Find(std::string_view key) const override { return keys_.Find(key); }
  void FindMany(std::span<const std::string_view> keys, std::span<int64_t> rows) const override {
    keys_.FindMany(keys, rows);
  }
  const std::byte* Row(int64_t row) const override { return rows_ + static_cast<size_t>(row) * layout_.row_bytes; }
  std::string_view Key(int64_t row) const override { return keys_.Key(static_cast<size_t>(row)); }

  void Gather(std::span<const int64_t> rows, std::span<std::byte> out) const override {
    constexpr size_t kAhead = 12;  // rows in flight; a core waits for about 12 to 48 lines at once
    for (size_t i = 0; i < std::min(kAhead, rows.size()); ++i) PrefetchRow(rows[i]);
    for (size_t i = 0; i < rows.size(); ++i) {
      if (i + kAhead < rows.size()) PrefetchRow(rows[i + kAhead]);
      std::byte* target = out.data() + i * layout_.row_bytes;
      if (rows[i] < 0) {
        std::memset(target, 0, layout_.row_bytes);
      } else {
        std::memcpy(target, Row(rows[i]), layout_.row_bytes);
      }
    }
  }

 private:
  void PrefetchRow(int64_t row) const {
    if (row >= 0) PrefetchAll(Row(row), layout_.row_bytes);
  }

  SealedFile file_;
  KeyIndex keys_;
  const std::byte* rows_ = nullptr;
  std::vector<FlatField> fields_;
  RowLayout layout_;
};

class FlatTableFileWriter final : public FlatTableWriter {
 public:
  FlatTableFileWriter(io::FileSystem& files, std::string path, std::vector<FlatField> fields, size_t row_bytes,
                      size_t expected_rows)
      : files_(files), path_(std::move(path)), fields_(std::move(fields)), row_bytes_(row_bytes), keys_(expected_rows) {
    rows_.reserve(expected_rows * row_bytes);
  }

  size_t row_bytes() const override { return row_bytes_; }

  Status Add(std::string_view key, std::span<const std::byte> row) override {
    if (row.size() != row_bytes_) {
      return InvalidArgument("flat table {}: row of '{}' has {} bytes; allowed is {}", path_, key, row.size(),
                             row_bytes_);
    }
    FEEDMILL_ASSIGN(auto added, keys_.FindOrAdd(key));
    if (!added.second) return AlreadyExists("flat table {}: key '{}' is given twice", path_, key);
    rows_.append(reinterpret_cast<const char*>(row.data()), row.size());
    return Ok();
  }

  Status Finish() override {
    const std::string meta = EncodeMeta(keys_.size(), row_bytes_, fields_);
    std::string_view sections[kSectionCount];
    sections[kMeta] = meta;
    sections[kSlots] = keys_.slots();
    sections[kKeyOffsets] = keys_.offsets();
    sections[kKeyBytes] = keys_.bytes();
    sections[kRows] = rows_;
    return WriteSealedFile(files_, path_, kMagic, kVersion, sections);
  }

 private:
  io::FileSystem& files_;
  std::string path_;
  std::vector<FlatField> fields_;
  size_t row_bytes_;
  KeyIndexBuilder keys_;
  std::string rows_;
};

}  // namespace

Result<std::unique_ptr<FlatTable>> OpenFlatTable(std::unique_ptr<io::MappedFile> mapping) {
  FEEDMILL_ASSIGN(SealedFile file, SealedFile::Open(std::move(mapping), kMagic, kVersion, kSectionCount));
  return MappedFlatTable::Make(std::move(file));
}

Result<std::unique_ptr<FlatTable>> OpenFlatTable(io::FileSystem& files, const std::string& path) {
  FEEDMILL_ASSIGN(auto mapping, io::LoadResident(files, path));
  auto table = OpenFlatTable(std::move(mapping));
  if (!table) return std::unexpected(table.error().WithContext(path));
  return table;
}

Result<std::unique_ptr<FlatTableWriter>> CreateFlatTable(io::FileSystem& files, const std::string& path,
                                                         std::vector<FlatField> fields, size_t expected_rows) {
  FEEDMILL_ASSIGN(RowLayout layout, LayOut(fields));
  return std::make_unique<FlatTableFileWriter>(files, path, std::move(fields), layout.row_bytes, expected_rows);
}

}  // namespace feedmill::store
