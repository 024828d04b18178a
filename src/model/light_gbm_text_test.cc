#include <cmath>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/ensemble_internal.h"

namespace feedmill::model {
namespace {

using testing::HasSubstr;

const char kText[] =
    "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=1\nobjective=binary "
    "sigmoid:1\n"
    "feature_names=age likes\nfeature_infos=[0:1] [0:9]\ntree_sizes=1 1\n\n"
    "Tree=0\nnum_leaves=3\nnum_cat=0\nsplit_feature=1 0\nsplit_gain=1 1\nthreshold=2.5 0.5\ndecision_type=2 "
    "8\nleft_child=1 -1\n"
    "right_child=-2 -3\nleaf_value=0.25 -1 2\nleaf_weight=1 1 1\nleaf_count=1 1 1\ninternal_value=0 "
    "0\ninternal_weight=0 0\n"
    "internal_count=3 2\nis_linear=0\nshrinkage=0.1\n\n\n"
    "Tree=1\nnum_leaves=1\nnum_cat=0\nsplit_feature=\nsplit_gain=\nthreshold=\ndecision_type=\nleft_child=\nright_"
    "child=\n"
    "leaf_value=0.5\nleaf_weight=\nleaf_count=\ninternal_value=\ninternal_weight=\ninternal_count=\nis_linear="
    "0\nshrinkage=1\n\n\n"
    "end of trees\n\nfeature_importances:\nlikes=1\n\nparameters:\n[boosting: gbdt]\nend of parameters\n";

std::string Replaced(std::string_view from, std::string_view to) {
  std::string text = kText;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string RefusalOf(const std::string& text) {
  const auto parsed = ParseLightGbmModel(text);
  if (parsed) return "accepted";
  EXPECT_EQ(parsed.error().kind(), ErrorKind::kInvalidArgument);
  return parsed.error().message();
}

TEST(LightGbmTextTest, ReadsAndScores) {
  const auto model = ParseLightGbmModel(kText);
  ASSERT_TRUE(model.has_value()) << model.error().ToString();
  EXPECT_EQ((*model)->tree_count(), 2u);
  EXPECT_THAT((*model)->feature_names(), testing::ElementsAre("age", "likes"));
  // age, likes. Node 0: likes <= 2.5, NaN read as 0. Node 1: age <= 0.5, NaN goes right.
  const std::vector<float> rows = {0, 0, 1, 0, NAN, NAN, 0, 3};
  std::vector<double> scores(4);
  (*model)->Score(rows, 4, scores, false);
  EXPECT_THAT(scores, testing::ElementsAre(0.75, 2.5, 2.5, -0.5));
  (*model)->Score(rows, 4, scores, true);
  EXPECT_DOUBLE_EQ(scores[0], 1 / (1 + std::exp(-0.75)));
}

TEST(LightGbmTextTest, RankingObjectivesHaveNoLink) {
  const auto model = ParseLightGbmModel(Replaced("binary sigmoid:1", "lambdarank"));
  ASSERT_TRUE(model.has_value()) << model.error().ToString();
  double score = 0;
  (*model)->Score(std::vector<float>{0, 3}, 1, {&score, 1}, true);
  EXPECT_EQ(score, -0.5);
}

// The text with its first node split by categories: `words` in `boundaries`, its threshold the number of its set.
std::string Categorical(std::string_view number, std::string_view boundaries, std::string_view words) {
  std::string text = Replaced("decision_type=2 8", "decision_type=1 8");
  const auto replace = [&text](std::string_view from, std::string_view to) {
    text.replace(text.find(from), from.size(), to);
  };
  replace("num_cat=0", "num_cat=1");
  replace("threshold=2.5", "threshold=" + std::string(number));
  replace("is_linear=0", fmt::format("cat_boundaries={}\ncat_threshold={}\nis_linear=0", boundaries, words));
  return text;
}

TEST(LightGbmTextTest, Categories) {
  const auto model = ParseLightGbmModel(Categorical("0", "0 2", "9 1"));  // likes is 0, 3 or 32
  ASSERT_TRUE(model.has_value()) << model.error().ToString();
  const std::vector<float> rows = {0, 3.9f, 0, 32, 0, -0.5f, 0, 4, 0, NAN, 0, -1, 0, 64, 0, 1e30f};
  std::vector<double> scores(8);
  (*model)->Score(rows, 8, scores, false);
  EXPECT_THAT(scores, testing::ElementsAre(0.75, 0.75, 0.75, -0.5, -0.5, -0.5, -0.5, -0.5));
}

TEST(LightGbmTextTest, RefusesBrokenCategories) {
  EXPECT_THAT(RefusalOf(Categorical("1", "0 2", "9 1")), HasSubstr("the number of one of 1 sets allowed"));
  EXPECT_THAT(RefusalOf(Categorical("0.5", "0 2", "9 1")), HasSubstr("the number of one of 1 sets allowed"));
  EXPECT_THAT(RefusalOf(Categorical("-1", "0 2", "9 1")), HasSubstr("the number of one of 1 sets allowed"));
  EXPECT_THAT(RefusalOf(Categorical("0", "0 3", "9 1")), HasSubstr("cat_threshold= has 2 numbers, 3 expected"));
  EXPECT_THAT(RefusalOf(Categorical("0", "0", "9 1")), HasSubstr("cat_boundaries= has 1 numbers, 2 expected"));
  EXPECT_THAT(RefusalOf(Categorical("0", "1 2", "9 1")), HasSubstr("cat_boundaries do not rise from 0"));
  EXPECT_THAT(RefusalOf(Replaced("decision_type=2 8", "decision_type=3 8")), HasSubstr("the number of one of 0 sets"));
  EXPECT_THAT(RefusalOf(Replaced("num_cat=0", "num_cat=70000")), HasSubstr("num_cat=70000 found, less than 65536"));
  EXPECT_THAT(RefusalOf(Replaced("num_cat=0", "num_cat=1")), HasSubstr("section has no 'cat_boundaries='"));
}

TEST(LightGbmTextTest, RefusesWhatItCannotScore) {
  EXPECT_THAT(RefusalOf(Replaced("is_linear=0", "is_linear=1")), HasSubstr("linear trees are not supported"));
  EXPECT_THAT(RefusalOf(Replaced("binary sigmoid:1", "multiclass num_class:3")),
              HasSubstr("lambdarank and rank_xendcg allowed"));
  EXPECT_THAT(RefusalOf(Replaced("version=v4", "version=v9")), HasSubstr("line 2: version=v9 found, v4 allowed"));
  EXPECT_THAT(RefusalOf(Replaced("num_class=1", "num_class=3")), HasSubstr("num_class=3 found, 1 allowed"));
  EXPECT_THAT(RefusalOf(Replaced("feature_names=", "average_output\nfeature_names=")), HasSubstr("random forest"));
}

TEST(LightGbmTextTest, RefusesBrokenText) {
  EXPECT_THAT(RefusalOf(""), HasSubstr("line 1: '' found"));
  EXPECT_THAT(RefusalOf(std::string(kText).substr(0, 500)), HasSubstr("it is cut off"));
  EXPECT_THAT(RefusalOf(Replaced("threshold=2.5 0.5", "threshold=2.5 x")), HasSubstr("line 17: 'x' of threshold="));
  EXPECT_THAT(RefusalOf(Replaced("threshold=2.5 0.5", "threshold=2.5")), HasSubstr("has 1 numbers, 2 expected"));
  EXPECT_THAT(RefusalOf(Replaced("threshold=2.5 0.5", "threshold=2.5 nan")), HasSubstr("not a number"));
  EXPECT_THAT(RefusalOf(Replaced("leaf_value=0.25 -1 2", "leaf_value=0.25 -1 inf")), HasSubstr("not finite"));
  EXPECT_THAT(RefusalOf(Replaced("split_feature=1 0", "split_feature=1 2")),
              HasSubstr("split_feature 2 found, 0 to 1 allowed"));
  EXPECT_THAT(RefusalOf(Replaced("num_leaves=3", "num_leaves=4000000000")), HasSubstr("1 to 65536 allowed"));
  EXPECT_THAT(RefusalOf(Replaced("max_feature_idx=1", "max_feature_idx=4294967295")),
              HasSubstr("2 feature names found"));
  EXPECT_THAT(RefusalOf(Replaced("num_leaves=3\n", "num_leaves=3\nnum_leaves=3\n")), HasSubstr("given twice"));
  EXPECT_THAT(RefusalOf(Replaced("leaf_value=0.25 -1 2\n", "")), HasSubstr("no 'leaf_value='"));
}

TEST(LightGbmTextTest, RefusesWhatIsNotATree) {
  EXPECT_THAT(RefusalOf(Replaced("left_child=1 -1", "left_child=0 -1")), HasSubstr("two parents"));
  EXPECT_THAT(RefusalOf(Replaced("left_child=1 -1", "left_child=-3 -1")),
              testing::AnyOf(HasSubstr("two parents"), HasSubstr("hang on the root")));
  EXPECT_THAT(RefusalOf(Replaced("left_child=1 -1", "left_child=7 -1")), HasSubstr("out of range"));
  EXPECT_THAT(RefusalOf(Replaced("left_child=1 -1", "left_child=-2147483648 -1")), HasSubstr("out of range"));
}

TEST(LightGbmTextTest, TooLargeForBytesIsWalked) {
  std::string text = Replaced("num_leaves=3", "num_leaves=300");
  const auto replace = [&](std::string_view key, auto make, size_t count) {
    const size_t at = text.find(key), end = text.find('\n', at);
    std::string values(key);
    for (size_t i = 0; i < count; ++i) values += (i > 0 ? " " : "") + std::to_string(make(static_cast<int>(i)));
    text.replace(at, end - at, values);
  };
  replace("split_feature=", [](int) { return 0; }, 299);
  replace("threshold=", [](int i) { return i; }, 299);
  replace("decision_type=", [](int) { return 0; }, 299);
  replace("left_child=", [](int i) { return ~i; }, 299);
  replace("right_child=", [](int i) { return i == 298 ? ~299 : i + 1; }, 299);
  replace("leaf_value=", [](int i) { return i * 10; }, 300);
  const auto model = ParseLightGbmModel(text);
  ASSERT_TRUE(model.has_value()) << model.error().ToString();
  double score = 0;
  (*model)->Score(std::vector<float>{123.5f, 0}, 1, {&score, 1}, false);
  EXPECT_EQ(score, 1240.5);
}

}  // namespace
}  // namespace feedmill::model
