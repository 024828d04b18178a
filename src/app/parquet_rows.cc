#include "app/parquet_rows.h"

namespace feedmill::app {
namespace {

class ParquetRows final : public ingest::RowWriter {
 public:
  explicit ParquetRows(std::unique_ptr<query::ParquetWriter> writer) : writer_(std::move(writer)) {}

  void AppendNull(size_t column) override { writer_->AppendNull(column); }
  void AppendBoolean(size_t column, bool value) override { writer_->AppendBoolean(column, value); }
  void AppendLong(size_t column, int64_t value) override { writer_->AppendLong(column, value); }
  void AppendDouble(size_t column, double value) override { writer_->AppendDouble(column, value); }
  void AppendText(size_t column, std::string_view value) override { writer_->AppendText(column, value); }
  Status EndRow() override { return writer_->EndRow(); }
  Result<std::vector<lake::DataFile>> Finish() override { return writer_->Finish(); }

 private:
  std::unique_ptr<query::ParquetWriter> writer_;
};

}  // namespace

ingest::OpenRowWriter OpenParquetRows(query::Session& session, lake::Catalog& catalog) {
  return [&session, &catalog](const std::string& table,
                              const std::string& file_stem) -> Result<std::unique_ptr<ingest::RowWriter>> {
    FEEDMILL_ASSIGN(auto writer, session.OpenWriter(catalog, table, file_stem));
    return std::make_unique<ParquetRows>(std::move(writer));
  };
}

}  // namespace feedmill::app
