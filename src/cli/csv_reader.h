// CSV as RFC 4180 has it: comma or another separator, double quotes, quotes doubled inside, line breaks inside quotes.
#pragma once

#include <istream>
#include <string>
#include <vector>

#include "base/result.h"

namespace feedmill::cli {

class CsvReader {
 public:
  // Lines longer than `record_bytes_max` are an error: a lost quote must not swallow the file.
  CsvReader(std::istream& in, char separator, size_t record_bytes_max = 1 << 20)
      : in_(in), separator_(separator), record_bytes_max_(record_bytes_max) {}

  // Reads one record. False at the end. kInvalidArgument names the line.
  Result<bool> Next(std::vector<std::string>* fields);
  // Line on which the record last read began, from 1.
  size_t line() const { return record_line_; }

 private:
  Status ReadQuoted(std::string* field);
  void SkipByteOrderMark();

  std::istream& in_;
  char separator_;
  size_t record_bytes_max_;
  size_t line_ = 1;
  size_t record_line_ = 0;
};

}  // namespace feedmill::cli
