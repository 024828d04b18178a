// Structured logs on standard error: log::Info("segment closed", {{"file", name}, {"records", count}}).
// One line a call, as text for people or as JSON lines. Any thread. A disabled level costs one relaxed load.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace feedmill::log {

enum class Level : int { kDebug, kInfo, kWarn, kError, kOff };
enum class Format { kText, kJson };

// A field's value; a view of the caller's text, so it lives only as long as the call.
class Value {
 public:
  enum class Kind { kText, kSigned, kUnsigned, kReal, kBool };

  template <typename T>
    requires std::is_convertible_v<const T&, std::string_view>
  Value(const T& text) : kind_(Kind::kText), text_(text) {}
  template <typename T>
    requires std::is_arithmetic_v<T>
  Value(T number) {
    if constexpr (std::is_same_v<T, bool>) {
      kind_ = Kind::kBool;
      signed_ = number;
    } else if constexpr (std::is_floating_point_v<T>) {
      kind_ = Kind::kReal;
      real_ = number;
    } else if constexpr (std::is_signed_v<T>) {
      kind_ = Kind::kSigned;
      signed_ = number;
    } else {
      kind_ = Kind::kUnsigned;
      unsigned_ = number;
    }
  }

  // The value as JSON.
  void AppendJson(std::string* out) const;
  // The value as text; texts are quoted only when a reader could not tell where they end.
  void AppendText(std::string* out) const;

 private:
  Kind kind_ = Kind::kText;
  std::string_view text_;
  union {
    int64_t signed_;
    uint64_t unsigned_;
    double real_;
  };
};

struct Field {
  std::string_view name;
  Value value;
};
using Fields = std::initializer_list<Field>;

// Both may be changed at any time. Default: kInfo, kText.
void Configure(Level level, Format format);
// Sends whole lines (without the newline) to `sink` instead of standard error; nullptr puts standard error back. For
// tests.
void Redirect(std::function<void(std::string_view line)> sink);

namespace internal {
extern std::atomic<int> level;
void Write(Level at, std::string_view message, Fields fields);
}  // namespace internal

inline bool Enabled(Level at) { return static_cast<int>(at) >= internal::level.load(std::memory_order_relaxed); }

inline void Debug(std::string_view message, Fields fields = {}) {
  if (Enabled(Level::kDebug)) internal::Write(Level::kDebug, message, fields);
}
inline void Info(std::string_view message, Fields fields = {}) {
  if (Enabled(Level::kInfo)) internal::Write(Level::kInfo, message, fields);
}
inline void Warn(std::string_view message, Fields fields = {}) {
  if (Enabled(Level::kWarn)) internal::Write(Level::kWarn, message, fields);
}
inline void Error(std::string_view message, Fields fields = {}) {
  if (Enabled(Level::kError)) internal::Write(Level::kError, message, fields);
}

}  // namespace feedmill::log
