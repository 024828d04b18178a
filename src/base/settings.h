// Typed settings over a TOML file. A room declares an options struct whose initial values are the defaults, and binds
// its fields once; loading checks everything and reports every error, not only the first.
//
//   Settings settings;
//   auto http = settings.Section("http", "The one HTTP server.");
//   http.Integer("port", &options.port, {0, 65535}, "TCP port; 0 = any free one");
//   http.Duration("idle_timeout", &options.idle_timeout, {kMicrosPerSecond, kMicrosPerHour}, "closes silent
//   connections"); FEEDMILL_TRY(settings.Load(document));
//
// The bound variables must outlive the Settings. One thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/config_document.h"
#include "base/result.h"

namespace feedmill {

struct IntegerRange {
  int64_t low = std::numeric_limits<int64_t>::min();
  int64_t high = std::numeric_limits<int64_t>::max();
};
struct RealRange {
  double low = std::numeric_limits<double>::lowest();
  double high = std::numeric_limits<double>::max();
};

class Settings {
 public:
  // Binds names below `prefix` ("http" or "http.limits"; "" for the top).
  class Binder {
   public:
    template <std::integral T>
      requires(!std::same_as<T, bool>)
    void Integer(std::string_view name, T* target, IntegerRange range, std::string_view doc) {
      range.low = std::in_range<T>(range.low) ? range.low : static_cast<int64_t>(std::numeric_limits<T>::min());
      if (!std::in_range<T>(range.high)) range.high = static_cast<int64_t>(std::numeric_limits<T>::max());
      AddInteger(
          name, range, doc, [target](int64_t value) { *target = static_cast<T>(value); },
          [target] { return static_cast<int64_t>(*target); });
    }
    template <std::unsigned_integral T>
    void ByteSize(std::string_view name, T* target, IntegerRange range, std::string_view doc) {
      AddByteSize(
          name, range, doc, [target](uint64_t value) { *target = static_cast<T>(value); },
          [target] { return static_cast<uint64_t>(*target); });
    }
    // `names`: every allowed value and its name in the file.
    template <typename E>
      requires std::is_enum_v<E>
    void Enum(std::string_view name, E* target, const std::vector<std::pair<std::string, E>>& names,
              std::string_view doc) {
      std::vector<std::string> allowed;
      for (const auto& [text, value] : names) allowed.push_back(text);
      AddChoice(
          name, std::move(allowed), doc, [target, names](size_t chosen) { *target = names[chosen].second; },
          [target, names] {
            size_t at = 0;
            while (at + 1 < names.size() && names[at].second != *target) ++at;
            return at;
          });
    }
    void Real(std::string_view name, double* target, RealRange range, std::string_view doc);
    void Boolean(std::string_view name, bool* target, std::string_view doc);
    void Text(std::string_view name, std::string* target, std::string_view doc);
    void TextList(std::string_view name, std::vector<std::string>* target, std::string_view doc);
    void Duration(std::string_view name, Micros* target, IntegerRange range, std::string_view doc);
    // A part of any shape that the room reads itself; `target` keeps what stood there (an empty table when nothing
    // did).
    void Tree(std::string_view name, ConfigNode* target, std::string_view doc);

   private:
    friend class Settings;
    Binder(Settings* settings, std::string prefix) : settings_(settings), prefix_(std::move(prefix)) {}
    void AddInteger(std::string_view name, IntegerRange range, std::string_view doc, std::function<void(int64_t)> set,
                    std::function<int64_t()> get);
    void AddByteSize(std::string_view name, IntegerRange range, std::string_view doc, std::function<void(uint64_t)> set,
                     std::function<uint64_t()> get);
    void AddChoice(std::string_view name, std::vector<std::string> allowed, std::string_view doc,
                   std::function<void(size_t)> set, std::function<size_t()> get);

    Settings* settings_;
    std::string prefix_;
  };

  // `doc`: one line, shown above the section by Explain.
  Binder Section(std::string_view prefix, std::string_view doc = "");

  // A value from the command line or the environment, applied after the file by Load. `origin` is for messages:
  // "--port".
  void Override(std::string_view name, std::string_view text, std::string_view origin);

  // Reads `table` (the document's root by default) into the bound variables. kInvalidArgument: one line an error,
  // `file:line: http.port: found text "x", allowed integer 0..65535`. Variables are changed even when others fail.
  Status Load(const ConfigDocument& document);
  Status Load(const ConfigDocument& document, const ConfigNode& table);
  // The overrides alone, when there is no file.
  Status LoadWithoutFile();
  // Of the last Load, in the order of the file.
  const std::vector<std::string>& errors() const { return errors_; }

  // TOML of all settings: doc, what is allowed, default, current value and where it came from.
  std::string Explain() const;

 private:
  struct Field {
    std::string name;  // whole, with its section
    std::string doc;
    std::string allowed;
    std::string initial = {};  // the default as TOML
    std::string origin = {};   // "default", "feedmill.toml:12", "--port"
    // False when the value is not allowed.
    std::function<bool(const ConfigNode&)> set = {};
    std::function<std::string()> show = {};  // the current value as TOML
    bool tree = false;
  };
  struct SectionDoc {
    std::string prefix;
    std::string doc;
  };
  struct OverrideValue {
    std::string name;
    std::string text;
    std::string origin;
  };

  void Add(Field field);
  Field* Find(std::string_view name);
  bool IsSection(std::string_view name) const;
  std::vector<const Field*> InSectionOrder() const;
  void ReadTable(const ConfigDocument& document, const ConfigNode& table, const std::string& prefix);
  void ReadMember(const ConfigDocument& document, const std::string& name, const ConfigNode& node);
  void ApplyOverrides();
  std::string Unknown(std::string_view name) const;
  Status Outcome() const;

  std::vector<Field> fields_;
  std::vector<SectionDoc> sections_;
  std::vector<OverrideValue> overrides_;
  std::vector<std::string> errors_;
};

}  // namespace feedmill
