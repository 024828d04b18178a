// The value inside a simdjson element whose type the caller has looked at already.
#pragma once

#include <string_view>

#include <simdjson.h>

namespace feedmill::ingest {

template <typename T>
T ValueOf(const simdjson::dom::element& element) {
  T value{};
  if (element.get(value) != simdjson::SUCCESS) return {};
  return value;
}

inline simdjson::dom::object ObjectOf(const simdjson::dom::element& element) {
  return ValueOf<simdjson::dom::object>(element);
}
inline simdjson::dom::array ArrayOf(const simdjson::dom::element& element) {
  return ValueOf<simdjson::dom::array>(element);
}
inline std::string_view TextOf(const simdjson::dom::element& element) { return ValueOf<std::string_view>(element); }
// Of integers too.
inline double NumberOf(const simdjson::dom::element& element) { return ValueOf<double>(element); }

}  // namespace feedmill::ingest
