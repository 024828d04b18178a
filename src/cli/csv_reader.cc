#include "cli/csv_reader.h"

namespace feedmill::cli {

Status CsvReader::ReadQuoted(std::string* field) {
  for (int c = in_.get(); c != EOF; c = in_.get()) {
    if (c == '\n') ++line_;
    if (field->size() > record_bytes_max_) {
      return InvalidArgument("line {}: a quoted field is longer than {} bytes; is a closing quote missing?",
                             record_line_, record_bytes_max_);
    }
    if (c != '"') {
      field->push_back(static_cast<char>(c));
    } else if (in_.peek() == '"') {
      field->push_back(static_cast<char>(in_.get()));
    } else {
      return Ok();
    }
  }
  return InvalidArgument("line {}: the file ends inside a quoted field", record_line_);
}

// As spreadsheets put in front of UTF-8.
void CsvReader::SkipByteOrderMark() {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  for (size_t i = 0; i < kMark.size(); ++i) {
    if (in_.peek() == static_cast<unsigned char>(kMark[i])) {
      in_.get();
      continue;
    }
    while (i-- > 0) in_.unget();
    return;
  }
}

Result<bool> CsvReader::Next(std::vector<std::string>* fields) {
  fields->clear();
  record_line_ = line_;
  if (line_ == 1) SkipByteOrderMark();
  if (in_.peek() == EOF) return false;
  fields->emplace_back();
  for (int c = in_.get(); c != EOF; c = in_.get()) {
    std::string& field = fields->back();
    if (c == '"' && field.empty()) {
      FEEDMILL_TRY(ReadQuoted(&field));
    } else if (c == separator_) {
      fields->emplace_back();
    } else if (c == '\n') {
      ++line_;
      break;
    } else if (c != '\r') {
      field.push_back(static_cast<char>(c));
      if (field.size() > record_bytes_max_)
        return InvalidArgument("line {}: a field is longer than {} bytes", record_line_, record_bytes_max_);
    }
  }
  return true;
}

}  // namespace feedmill::cli
