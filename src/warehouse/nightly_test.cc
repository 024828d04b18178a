// The steps of a night as they are handed to the runner.
#include "warehouse/nightly.h"

#include <gtest/gtest.h>

namespace feedmill::warehouse {
namespace {

Model TableOf(const std::string& name, const std::string& native, uint64_t memory) {
  Model model;
  model.name = name;
  model.native = native;
  if (!native.empty()) model.materialization = Materialization::kNative;
  model.memory_bytes_max = memory;
  return model;
}

TEST(NightlySteps, AStepMayUseWhatTheNightlyGivesOrLessAndIsMadeInPartsWhenThatIsTooLittle) {
  Project project;
  project.models = {TableOf("dwd_a", "", 0), TableOf("dwd_b", "", 512), TableOf("ads_c", "features.dump", 100),
                    TableOf("ads_d", "features.dump", 0)};
  std::vector<ModelPlan> plans;
  for (const Model& model : project.models) {
    ModelPlan& plan = plans.emplace_back();
    plan.model = model.name;
    plan.intervals.emplace_back();
  }
  NightlyOptions options;
  options.memory_bytes_max = 1024;
  options.model_command = options.native_command = [](const std::string& name, const std::string&, Micros) {
    return std::vector<std::string>{name};
  };
  ExtraStep& extra = options.extra_steps.emplace_back();
  extra.name = "train.als";
  extra.arguments = {"train"};
  extra.memory_bytes_max = 2048;
  const auto steps = NightlySteps(project, plans, options);
  ASSERT_TRUE(steps.has_value()) << steps.error().ToString();
  ASSERT_EQ(steps->size(), 4U);
  for (const jobs::Step& step : *steps) {
    const bool train = step.name == "train.als";
    EXPECT_EQ(step.parts_max, 16) << step.name;
    EXPECT_EQ(step.memory_bytes_max, train ? 2048U : step.name == "dwd_b" ? 512U : 1024U) << step.name;
  }
}

}  // namespace
}  // namespace feedmill::warehouse
