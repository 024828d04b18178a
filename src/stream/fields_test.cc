// Declared fields of items and users in the live state.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "stream/live_state.h"
#include "stream/world_for_test.h"

namespace feedmill::stream {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Micros kT = kWorldStart;

features::FeatureSet SetOf(std::string_view item_fields, std::string_view user_fields) {
  const std::string domain = fmt::format(
      "[item.flat]\nid = \"flat\"\nmade_by = \"offered\"\nfields = {{ {} }}\n[item.person]\nid = \"userId\"\nfields = "
      "{{ {} "
      "}}\n[action.seen]\nevent = \"seen\"\nshown = true\n",
      item_fields, user_fields);
  return features::ParseFeatureSet("f.toml", "[[feature]]\nname = \"age\"\nkind = \"age_hours\"\n",
                                   domain::ParseDomain("d.toml", domain).value())
      .value();
}

class FieldsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/fields_test";
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Send(LiveState* state, LogRecord record) { state->Apply(record, {0, next_++}); }
  void Offer(LiveState* state, std::string properties, Micros time = kT) {
    Send(state, MakeRecord("offered", "landlord", time, std::move(properties)));
  }

  // Writes `from`, reads it into a state of the other fields.
  std::unique_ptr<LiveState> Reloaded(const LiveState& from, const features::FeatureSet& set) {
    EXPECT_THAT(from.WriteCheckpoint(io::PosixFileSystem(), folder_ + "/c"), IsOk());
    auto state = std::make_unique<LiveState>(set, LiveStateOptions{});
    EXPECT_THAT(state->LoadCheckpoint(io::PosixFileSystem(), folder_ + "/c"), IsOk());
    return state;
  }

  std::string folder_;
  uint64_t next_ = 0;
};

std::string TextOf(const LiveState& state, FieldWord word) {
  return word.given() ? std::string(state.TopicName(word.handle())) : "none";
}

std::vector<std::string> TextsOf(const LiveState& state, FieldWord list) {
  std::vector<std::string> texts;
  for (const EntityHandle text : state.TextsOf(list)) texts.emplace_back(state.TopicName(text));
  return texts;
}

TEST_F(FieldsTest, ACheckpointNamesThem) {
  const features::FeatureSet before = SetOf("lang = \"text\", tags = \"texts\", rooms = \"number\", pets = \"boolean\"",
                                            "langs = \"texts\", age = \"number\"");
  LiveState state(before, {});
  Offer(&state, R"({"flat":"f1","lang":"de","tags":["a","b"],"rooms":0,"pets":false})");
  Offer(&state, R"({"flat":"f2","rooms":2.5,"pets":true,"tags":[]})");
  Send(&state, MakeIdentify("ann", kT, R"({"langs":["de","fr"],"age":30})"));
  for (const bool moved : {false, true}) {
    const features::FeatureSet after =
        moved ? SetOf("pets = \"boolean\", rooms = \"text\", tags = \"texts\", new = \"text\", lang = \"text\"",
                      "langs = \"texts\"")
              : before;
    const size_t lang = moved ? 4 : 0, tags = moved ? 2 : 1, rooms = moved ? 1 : 2, pets = moved ? 0 : 3;
    const auto loaded = Reloaded(state, after);
    const EntityHandle f1 = loaded->FindPost("f1"), f2 = loaded->FindPost("f2"), ann = loaded->FindUser("ann");
    EXPECT_EQ(TextOf(*loaded, loaded->PostField(f1, lang)), "de");
    EXPECT_FALSE(loaded->PostField(f2, lang).given());
    EXPECT_THAT(TextsOf(*loaded, loaded->PostField(f1, tags)), ElementsAre("a", "b"));
    EXPECT_TRUE(loaded->PostField(f2, tags).given()) << "an empty list";
    EXPECT_THAT(TextsOf(*loaded, loaded->PostField(f2, tags)), IsEmpty());
    EXPECT_TRUE(loaded->PostField(f1, pets).given());
    EXPECT_FALSE(loaded->PostField(f1, pets).boolean());
    EXPECT_TRUE(loaded->PostField(f2, pets).boolean());
    EXPECT_EQ(loaded->PostField(f1, rooms).given(), !moved) << "of another type now";
    EXPECT_EQ(loaded->PostField(f2, rooms).given() ? loaded->PostField(f2, rooms).number() : 0, moved ? 0 : 2.5F);
    EXPECT_FALSE(moved && loaded->PostField(f1, 3).given());
    EXPECT_THAT(TextsOf(*loaded, loaded->UserField(ann, 0)), ElementsAre("de", "fr"));
    EXPECT_EQ(loaded->UserField(ann, 1).given(), !moved);
  }
  const auto none = Reloaded(state, SetOf("", ""));
  EXPECT_FALSE(none->PostField(none->FindPost("f1"), 0).given());
  const auto back = Reloaded(*none, before);
  EXPECT_FALSE(back->PostField(back->FindPost("f1"), 0).given());
}

// A number and fields that are declared later are known as if they had been declared at the beginning.
TEST_F(FieldsTest, ThePastIsLearned) {
  const features::FeatureSet set = TemplateFeatures();
  domain::Domain bare = *set.domain;
  for (domain::ItemKind& item : bare.items) {
    item.fields.clear();
    item.numbers.clear();
  }
  features::FeatureSet without = set;
  without.domain = std::make_shared<const domain::Domain>(bare);
  RandomWorld world(11, {});
  std::vector<LiveState::Positioned> records;
  for (uint64_t i = 0; i < 6'000; ++i) records.push_back({{0, i}, world.Next()});
  const std::span all(records);
  LiveState scratch(set, {}), early(without, {});
  scratch.ApplyBatch(all);
  early.ApplyBatch(all.first(4'000));
  EXPECT_TRUE(early.KnowsHistory());
  auto late = Reloaded(early, set);
  EXPECT_FALSE(late->KnowsHistory());
  late->ApplyBatch(all.subspan(4'000, 1'000));
  late->Learn(all.first(2'000));
  late = Reloaded(*late, set);  // stopped half way, it begins again
  EXPECT_FALSE(late->KnowsHistory());
  late->Learn(all.first(3'000));
  late->ApplyBatch(all.subspan(5'000));
  late->Learn(all.subspan(3'000, 1'000));
  late->SetKnowsHistory();
  late = Reloaded(*late, set);
  EXPECT_TRUE(late->KnowsHistory());
  int given = 0;
  for (size_t post = 0; post < scratch.PostCount(); ++post) {
    const auto handle = static_cast<EntityHandle>(post);
    const EntityHandle other = late->FindPost(scratch.PostId(handle));
    EXPECT_EQ(late->Post(other).numbers, scratch.Post(handle).numbers);
    EXPECT_EQ(TextOf(*late, late->PostField(other, 0)), TextOf(scratch, scratch.PostField(handle, 0)));
    EXPECT_EQ(late->PostField(other, 1), scratch.PostField(handle, 1));
    given += scratch.PostField(handle, 1).given();
  }
  for (const EntityHandle user : scratch.UserIds(0, scratch.UserCount())) {
    const EntityHandle other = late->FindUser(scratch.UserId(user));
    auto texts = TextsOf(*late, late->UserField(other, 0)), wanted = TextsOf(scratch, scratch.UserField(user, 0));
    EXPECT_THAT(texts, testing::UnorderedElementsAreArray(wanted));
    EXPECT_EQ(late->UserField(other, 1), scratch.UserField(user, 1));
    given += scratch.UserField(user, 1).given();
  }
  EXPECT_GT(given, 100);
}

// What was applied since the checkpoint is later in the log than all that is learned.
TEST_F(FieldsTest, WhatIsLearnedUndoesNothingOfTheSameInstant) {
  const features::FeatureSet set = SetOf("lang = \"text\"", "langs = \"texts\""), without = SetOf("", "");
  LiveState early(without, {});
  const auto first = MakeRecord("offered", "landlord", kT, R"({"flat":"f1","lang":"old"})");
  const auto second = MakeRecord("offered", "landlord", kT, R"({"flat":"f2","lang":"a"})");
  const auto third = MakeRecord("offered", "landlord", kT, R"({"flat":"f2","lang":"b"})");
  const auto told = MakeIdentify("ann", kT, R"({"langs":["old"]})");
  const std::vector<LiveState::Positioned> all = {
      {{0, 0}, first},
      {{0, 1}, second},
      {{0, 2}, third},
      {{0, 3}, told},
      {{0, 4}, MakeIdentify("bob", kT, R"({"langs":["but one"]})")},
      {{0, 5}, MakeIdentify("bob", kT, R"({"langs":["last"]})")},
      {{0, 6}, MakeRecord("offered", "landlord", kT, R"({"flat":"f1","lang":"new"})")},
      {{0, 7}, MakeIdentify("ann", kT, R"({"langs":["new"]})")},
      {{0, 8}, MakeIdentify("bob", kT - 1, R"({"langs":["early"]})")}};
  const std::span<const LiveState::Positioned> past(all);
  early.ApplyBatch(past.first(6));
  auto state = Reloaded(early, set);
  state->ApplyBatch(past.subspan(6, 2));
  state->Learn(past.first(5));  // stopped half way; the next one is given all that was applied
  EXPECT_EQ(TextOf(*state, state->PostField(state->FindPost("f1"), 0)), "new");
  state = Reloaded(*state, set);
  state->ApplyBatch(past.subspan(8));
  for (int time = 0; time < 2; ++time) state->Learn(past.first(8));
  EXPECT_THAT(TextsOf(*state, state->UserField(state->FindUser("bob"), 0)), ElementsAre("last"))
      << "what is late undoes nothing";
  EXPECT_EQ(TextOf(*state, state->PostField(state->FindPost("f1"), 0)), "new");
  EXPECT_EQ(TextOf(*state, state->PostField(state->FindPost("f2"), 0)), "b");
  EXPECT_THAT(TextsOf(*state, state->UserField(state->FindUser("ann"), 0)), ElementsAre("new"));
}

TEST_F(FieldsTest, MoreValuesThanAllowedAreAsIfNotGiven) {
  const features::FeatureSet set = SetOf("lang = \"text\", tags = \"texts\"", "");
  LiveState state(set, {.field_texts_max = 2, .field_values_max = 5});
  for (int i = 0; i < 20; ++i)
    Offer(&state, fmt::format(R"({{"flat":"f{0}","lang":"l{0}","tags":["t{0}","u{0}","v{0}"]}})", i));
  const auto lang = [&](int i) { return state.PostField(state.FindPost(fmt::format("f{}", i)), 0).given(); };
  EXPECT_TRUE(lang(0));
  EXPECT_FALSE(lang(19));
  EXPECT_THAT(state.TextsOf(state.PostField(state.FindPost("f0"), 1)), SizeIs(2)) << "the first ones of a list";
  Offer(&state, R"({"flat":"f19","lang":"l0"})", kT + 1);
  EXPECT_TRUE(lang(19)) << "what is known already is found";
}

TEST_F(FieldsTest, TheyGoWithTheState) {
  const features::FeatureSet set = SetOf("lang = \"text\", tags = \"texts\"", "");
  LiveState state(set, {}), healed(set, {});
  Offer(&state, R"({"flat":"f1","lang":"de","tags":["x"]})");
  Offer(&healed, R"({"flat":"f0","lang":"en"})");
  Offer(&healed, R"({"flat":"f1","lang":"fr","tags":["y","z"]})");
  state.Become(std::move(healed));
  EXPECT_EQ(TextOf(state, state.PostField(state.FindPost("f1"), 0)), "fr");
  EXPECT_THAT(TextsOf(state, state.PostField(state.FindPost("f1"), 1)), ElementsAre("y", "z"));
}

TEST_F(FieldsTest, ALateVersionChangesNothing) {
  const features::FeatureSet set = SetOf("lang = \"text\"", "");
  LiveState state(set, {});
  Offer(&state, R"({"flat":"f1","lang":"de"})", kT + 2);
  Offer(&state, R"({"flat":"f1","lang":"en"})", kT);
  EXPECT_EQ(TextOf(state, state.PostField(state.FindPost("f1"), 0)), "de");
  Offer(&state, R"({"flat":"f1"})", kT + 3);
  EXPECT_FALSE(state.PostField(state.FindPost("f1"), 0).given()) << "a version says all";
}

}  // namespace
}  // namespace feedmill::stream
