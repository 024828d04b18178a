#include "ingest/value_schema_internal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

namespace feedmill::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ValueSchema Schema(std::string_view text) {
  auto json = ParseLocatedJson(text);
  EXPECT_TRUE(json) << json.error().ToString();
  std::vector<SchemaFault> faults;
  ValueSchema schema = ReadValueSchema(*json, &faults);
  for (const auto& fault : faults) ADD_FAILURE() << fault.line << ": " << fault.message;
  return schema;
}

// "field rule reason", or "" when the value keeps the rules.
std::string Check(const ValueSchema& schema, std::string_view value) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  EXPECT_EQ(parser.parse(value).get(element), simdjson::SUCCESS) << value;
  auto broken = CheckValue(schema, element, "properties");
  return broken ? fmt::format("{} {} {}", broken->field, broken->rule, broken->reason) : "";
}

TEST(ValueSchemaTest, TypesAreChecked) {
  auto schema =
      Schema(R"({"type":"object","properties":{"s":{"type":"string"},"i":{"type":"integer"},"n":{"type":"number"},
      "b":{"type":"boolean"},"o":{"type":"object"},"a":{"type":"array"},"any":{},"two":{"type":["string","integer"]}}})");
  EXPECT_EQ(Check(schema, R"({"s":"","i":-3,"n":1.5,"b":true,"o":{},"a":[1,"x"],"any":[],"two":3,"more":1})"), "");
  EXPECT_EQ(Check(schema, R"({"i":3.0,"n":3,"two":"x"})"), "");
  EXPECT_EQ(Check(schema, R"({"s":3})"), "properties.s wrong_type found integer 3, allowed string");
  EXPECT_EQ(Check(schema, R"({"i":3.5})"), "properties.i wrong_type found number 3.5, allowed integer");
  EXPECT_EQ(Check(schema, R"({"i":"3"})"), "properties.i wrong_type found string \"3\", allowed integer");
  EXPECT_EQ(Check(schema, R"({"two":true})"),
            "properties.two wrong_type found boolean true, allowed string or integer");
  EXPECT_EQ(Check(schema, R"([])"), "properties wrong_type found array [], allowed object");
}

TEST(ValueSchemaTest, NullsAreAbsent) {
  auto schema = Schema(R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}},"required":["a"],
      "additionalProperties":false})");
  EXPECT_EQ(Check(schema, R"({"a":"x","b":null,"unknown":null})"), "");
  EXPECT_EQ(Check(schema, R"({"a":null})"), "properties.a missing_property found nothing, a value is required");
  EXPECT_EQ(Check(schema, R"({"a":"x","c":1})"), "properties.c unknown_property no such property; allowed are: a, b");
}

TEST(ValueSchemaTest, RangesAreChecked) {
  auto schema = Schema(R"({"type":"object","properties":{"s":{"type":"string","minLength":2,"maxLength":3},
      "n":{"type":"number","minimum":0,"maximum":1.5},"e":{"enum":["x","y"]},
      "a":{"type":"array","minItems":1,"maxItems":2,"items":{"type":"integer"}}}})");
  EXPECT_EQ(Check(schema, R"({"s":"äöü","n":1.5,"e":"y","a":[1,2]})"), "");
  EXPECT_THAT(Check(schema, R"({"s":"ä"})"), HasSubstr("too_short found 1 characters, at least 2"));
  EXPECT_THAT(Check(schema, R"({"s":"abcd"})"), HasSubstr("too_long found 4 characters, at most 3"));
  EXPECT_THAT(Check(schema, R"({"n":-1})"), HasSubstr("too_small found -1, at least 0"));
  EXPECT_THAT(Check(schema, R"({"n":2})"), HasSubstr("too_large found 2, at most 1.5"));
  EXPECT_EQ(Check(schema, R"({"e":"z"})"), R"(properties.e not_in_enum found "z", allowed "x", "y")");
  EXPECT_THAT(Check(schema, R"({"a":[]})"), HasSubstr("properties.a too_few_items"));
  EXPECT_THAT(Check(schema, R"({"a":[1,2,3]})"), HasSubstr("properties.a too_many_items"));
  EXPECT_EQ(Check(schema, R"({"a":[1,"2"]})"), "properties.a[1] wrong_type found string \"2\", allowed integer");
}

TEST(ValueSchemaTest, NestedPathsAreNamed) {
  auto schema =
      Schema(R"({"type":"object","properties":{"o":{"type":"object","properties":{"list":{"type":"array","items":
      {"type":"object","properties":{"id":{"type":"integer"}},"required":["id"]}}}}}})");
  EXPECT_EQ(Check(schema, R"({"o":{"list":[{"id":1},{"id":"x"}]}})"),
            "properties.o.list[1].id wrong_type found string \"x\", allowed integer");
  EXPECT_EQ(Check(schema, R"({"o":{"list":[{}]}})"),
            "properties.o.list[0].id missing_property found nothing, a value is required");
}

TEST(ValueSchemaTest, AnyOfNeedsOneSet) {
  auto schema = Schema(
      R"({"type":"object","properties":{"a":{},"b":{},"c":{}},"anyOf":[{"required":["a"]},{"required":["b","c"]}]})");
  EXPECT_EQ(Check(schema, R"({"a":1})"), "");
  EXPECT_EQ(Check(schema, R"({"b":1,"c":2})"), "");
  EXPECT_EQ(Check(schema, R"({"b":1})"), "properties missing_property found none, one of a, b, c is required");
  EXPECT_TRUE(CheckAbsent(schema, "properties"));
}

TEST(ValueSchemaTest, LongValuesAreCutInMessages) {
  auto schema = Schema(R"({"type":"integer"})");
  std::string text = Check(schema, "\"" + std::string(1000, 'x') + "\"");
  EXPECT_LT(text.size(), 200u);
}

TEST(ValueSchemaTest, AllFaultsOfASchemaAreFound) {
  auto json = ParseLocatedJson(R"({
  "type": "objekt",
  "pattern": "x",
  "properties": {
    "a": {"type": "string", "minLength": 5,
          "maxLength": 3},
    "b": {"minimum": "0"}
  },
  "required": ["a", "missing"],
  "enum": [1],
  "anyOf": [{"type": "string"}]
})");
  ASSERT_TRUE(json);
  std::vector<SchemaFault> faults;
  ReadValueSchema(*json, &faults);
  std::vector<std::string> texts;
  for (const auto& fault : faults) texts.push_back(fmt::format("{}: {}", fault.line, fault.message));
  EXPECT_THAT(texts,
              ElementsAre("5: minLength 5 is above maxLength 3", "7: minimum: found a string, allowed is a number",
                          HasSubstr("2: type 'objekt' is unknown"),
                          HasSubstr("3: unknown keyword 'pattern'; allowed are: $schema"),
                          "9: required names 'missing', which is not among the properties",
                          "10: enum: found a number, allowed is a string",
                          "11: anyOf: each choice must be {\"required\": [...]} and nothing else"));
}

TEST(LocatedJsonTest, FaultsNameTheLine) {
  EXPECT_THAT(ParseLocatedJson("{\n\"a\": 1,\n\"a\": 2}").error().message(), "line 3: 'a' is given twice");
  EXPECT_THAT(ParseLocatedJson("{\n\"a\": nul\n}").error().message(), HasSubstr("line 2: "));
  EXPECT_THAT(ParseLocatedJson("{\n\"a\" 1\n}").error().message(), HasSubstr("line 2: "));
  EXPECT_FALSE(ParseLocatedJson(""));
  EXPECT_FALSE(ParseLocatedJson("{} x"));
  EXPECT_FALSE(ParseLocatedJson(std::string(100, '[') + std::string(100, ']')));
}

}  // namespace
}  // namespace feedmill::ingest
