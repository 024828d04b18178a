#include "ingest/json_fault_internal.h"

namespace feedmill::ingest {

std::string_view JsonFault(simdjson::error_code error) {
  switch (error) {
    case simdjson::EMPTY:
      return "found nothing";
    case simdjson::DEPTH_ERROR:
      return "found more levels of nesting than are allowed";
    case simdjson::STRING_ERROR:
      return "found a text with an unknown escape";
    case simdjson::UNESCAPED_CHARS:
      return "found a control character inside a text; it must be escaped";
    case simdjson::UNCLOSED_STRING:
      return "found a text that does not end";
    case simdjson::UTF8_ERROR:
      return "found bytes that are not UTF-8";
    case simdjson::NUMBER_ERROR:
      return "found a number that JSON does not have or that is out of range";
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR:
      return "found a word that is neither true, false nor null";
    case simdjson::CAPACITY:
      return "found more bytes than can be read at once";
    case simdjson::MEMALLOC:
      return "there is no memory to read it now";
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
      return "found a list or an object that does not end";
    case simdjson::TRAILING_CONTENT:
      return "found something behind its end";
    default:
      return "found a bracket, comma, colon or value that is missing or out of place";
  }
}

}  // namespace feedmill::ingest
