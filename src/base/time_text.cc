#include "base/time_text.h"

#include <chrono>
#include <optional>

namespace feedmill {
namespace {

// Reads a text from the left; every step says whether it fitted.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool Done() const { return rest_.empty(); }
  bool Take(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Exactly `digits` digits with a value in [low, high].
  std::optional<int> Number(size_t digits, int low, int high) {
    if (rest_.size() < digits) return std::nullopt;
    int value = 0;
    for (char c : rest_.substr(0, digits)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    if (value < low || value > high) return std::nullopt;
    rest_.remove_prefix(digits);
    return value;
  }
  // Digits after the decimal point, as microseconds; what is finer is cut.
  std::optional<Micros> Fraction() {
    Micros value = 0;
    Micros scale = kMicrosPerSecond;
    size_t count = 0;
    for (; count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9'; ++count) {
      scale /= 10;
      value += (rest_[count] - '0') * scale;
    }
    if (count == 0) return std::nullopt;
    rest_.remove_prefix(count);
    return value;
  }

 private:
  std::string_view rest_;
};

std::optional<Day> ReadDay(Reader* reader) {
  auto year = reader->Number(4, 1, 9999);
  if (!year || !reader->Take("-")) return std::nullopt;
  auto month = reader->Number(2, 1, 12);
  if (!month || !reader->Take("-")) return std::nullopt;
  auto day = reader->Number(2, 1, 31);
  if (!day) return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                   std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

std::optional<Micros> ReadTimeOfDay(Reader* reader) {
  auto hour = reader->Number(2, 0, 23);
  if (!hour || !reader->Take(":")) return std::nullopt;
  auto minute = reader->Number(2, 0, 59);
  if (!minute) return std::nullopt;
  Micros time = *hour * kMicrosPerHour + *minute * kMicrosPerMinute;
  if (!reader->Take(":")) return time;
  auto second = reader->Number(2, 0, 60);
  if (!second) return std::nullopt;
  time += *second * kMicrosPerSecond;
  if (!reader->Take(".,")) return time;
  auto fraction = reader->Fraction();
  if (!fraction) return std::nullopt;
  return time + *fraction;
}

// What has to be added to the local time; nothing when the zone is malformed.
std::optional<Micros> ReadZone(Reader* reader) {
  if (reader->Done() || reader->Take("Zz")) return 0;
  bool east = reader->Take("+");
  if (!east && !reader->Take("-")) return std::nullopt;
  auto hours = reader->Number(2, 0, 23);
  if (!hours) return std::nullopt;
  int minutes = 0;
  if (!reader->Done()) {
    reader->Take(":");
    auto found = reader->Number(2, 0, 59);
    if (!found) return std::nullopt;
    minutes = *found;
  }
  Micros offset = *hours * kMicrosPerHour + minutes * kMicrosPerMinute;
  return east ? -offset : offset;
}

std::optional<Micros> ReadTime(std::string_view text) {
  Reader reader(text);
  auto day = ReadDay(&reader);
  if (!day) return std::nullopt;
  if (reader.Done()) return DayStart(*day);
  if (!reader.Take("Tt ")) return std::nullopt;
  auto time = ReadTimeOfDay(&reader);
  if (!time) return std::nullopt;
  auto zone = ReadZone(&reader);
  if (!zone || !reader.Done()) return std::nullopt;
  return DayStart(*day) + *time + *zone;
}

void AppendDigits(int64_t value, int digits, std::string* out) {
  size_t start = out->size();
  out->append(static_cast<size_t>(digits), '0');
  for (size_t at = start + static_cast<size_t>(digits); at > start; value /= 10) {
    (*out)[--at] = static_cast<char>('0' + value % 10);
  }
}

void AppendDay(Day day, std::string* out) {
  std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  int year = static_cast<int>(date.year());
  if (year < 0) out->push_back('-');
  AppendDigits(std::abs(year), std::abs(year) > 9999 ? 5 : 4, out);
  out->push_back('-');
  AppendDigits(static_cast<unsigned>(date.month()), 2, out);
  out->push_back('-');
  AppendDigits(static_cast<unsigned>(date.day()), 2, out);
}

}  // namespace

Result<Micros> ParseTime(std::string_view text) {
  if (auto time = ReadTime(text)) return *time;
  return InvalidArgument("time: found '{}', allowed RFC 3339 such as 2026-11-22T21:52:06.246Z", text.substr(0, 64));
}

std::string FormatTime(Micros time) {
  std::string out;
  out.reserve(27);
  AppendTime(time, &out);
  return out;
}

void AppendTime(Micros time, std::string* out) {
  Day day = DayOf(time);
  Micros rest = time - DayStart(day);
  AppendDay(day, out);
  out->push_back('T');
  AppendDigits(rest / kMicrosPerHour, 2, out);
  out->push_back(':');
  AppendDigits(rest / kMicrosPerMinute % 60, 2, out);
  out->push_back(':');
  AppendDigits(rest / kMicrosPerSecond % 60, 2, out);
  out->push_back('.');
  AppendDigits(rest % kMicrosPerSecond, 6, out);
  out->push_back('Z');
}

Day DayOf(Micros time) { return static_cast<Day>(FloorTo(time, kMicrosPerDay) / kMicrosPerDay); }

Result<Day> ParseDay(std::string_view text) {
  Reader reader(text);
  auto day = ReadDay(&reader);
  if (day && reader.Done()) return *day;
  return InvalidArgument("day: found '{}', allowed a date such as 2026-11-22", text.substr(0, 64));
}

std::string FormatDay(Day day) {
  std::string out;
  AppendDay(day, &out);
  return out;
}

}  // namespace feedmill
