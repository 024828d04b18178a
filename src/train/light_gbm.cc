#include "train/light_gbm.h"

#include <LightGBM/c_api.h>

namespace feedmill::train {
namespace {

// LightGBM answers 0 for success and keeps a message per thread.
Status Checked(int answer, std::string_view what) {
  if (answer == 0) return Ok();
  return Internal("LightGBM could not {}: {}", what, LGBM_GetLastError());
}

Status SetField(void* data_set, const char* field, const void* values, size_t count, int type) {
  if (count == 0) return Ok();
  return Checked(LGBM_DatasetSetField(data_set, field, values, static_cast<int>(count), type),
                 fmt::format("set field {}", field));
}

}  // namespace

void Dataset::Free::operator()(void* handle) const { LGBM_DatasetFree(handle); }
void Booster::Free::operator()(void* handle) const { LGBM_BoosterFree(handle); }

Result<Dataset> Dataset::Make(const DatasetInput& input, const std::string& parameters, const Dataset* reference) {
  const size_t columns = input.feature_names.size();
  const size_t rows = input.labels.size();
  if (columns == 0 || input.features.size() != rows * columns) {
    return InvalidArgument("{} feature values found for {} rows of {} features", input.features.size(), rows, columns);
  }
  void* handle = nullptr;
  FEEDMILL_TRY(Checked(LGBM_DatasetCreateFromMat(input.features.data(), C_API_DTYPE_FLOAT32, static_cast<int32_t>(rows),
                                                 static_cast<int32_t>(columns), 1, parameters.c_str(),
                                                 reference == nullptr ? nullptr : reference->handle(), &handle),
                       "make a data set"));
  Dataset made;
  made.handle_.reset(handle);
  FEEDMILL_TRY(SetField(handle, "label", input.labels.data(), rows, C_API_DTYPE_FLOAT32));
  FEEDMILL_TRY(SetField(handle, "weight", input.weights.data(), input.weights.size(), C_API_DTYPE_FLOAT32));
  FEEDMILL_TRY(SetField(handle, "group", input.group_sizes.data(), input.group_sizes.size(), C_API_DTYPE_INT32));
  std::vector<const char*> names;
  for (const std::string& name : input.feature_names) names.push_back(name.c_str());
  FEEDMILL_TRY(
      Checked(LGBM_DatasetSetFeatureNames(handle, names.data(), static_cast<int>(columns)), "name the features"));
  return made;
}

Status Dataset::SetLabels(std::span<const float> labels) {
  return SetField(handle_.get(), "label", labels.data(), labels.size(), C_API_DTYPE_FLOAT32);
}

Result<Booster> Booster::Make(const Dataset& training, const std::string& parameters) {
  void* handle = nullptr;
  FEEDMILL_TRY(Checked(LGBM_BoosterCreate(training.handle(), parameters.c_str(), &handle), "start a booster"));
  Booster made;
  made.handle_.reset(handle);
  return made;
}

Result<Booster> Booster::FromText(const std::string& model_text) {
  void* handle = nullptr;
  int iterations = 0;
  FEEDMILL_TRY(Checked(LGBM_BoosterLoadModelFromString(model_text.c_str(), &iterations, &handle), "load a model text"));
  Booster made;
  made.handle_.reset(handle);
  return made;
}

Status Booster::AddValidation(const Dataset& validation) {
  return Checked(LGBM_BoosterAddValidData(handle_.get(), validation.handle()), "add a validation set");
}

Result<bool> Booster::Update() {
  int finished = 0;
  FEEDMILL_TRY(Checked(LGBM_BoosterUpdateOneIter(handle_.get(), &finished), "train a round"));
  return finished == 0;
}

Result<std::vector<double>> Booster::Evaluate() {
  int count = 0;
  FEEDMILL_TRY(Checked(LGBM_BoosterGetEvalCounts(handle_.get(), &count), "count its metrics"));
  std::vector<double> values(static_cast<size_t>(count));
  if (count > 0) FEEDMILL_TRY(Checked(LGBM_BoosterGetEval(handle_.get(), 1, &count, values.data()), "evaluate"));
  return values;
}

Result<std::string> Booster::ModelText(int iterations) const {
  int64_t needed = 0;
  const auto save = [&](std::string* text) {
    return Checked(LGBM_BoosterSaveModelToString(handle_.get(), 0, iterations, C_API_FEATURE_IMPORTANCE_SPLIT,
                                                 static_cast<int64_t>(text->size()), &needed, text->data()),
                   "write its model");
  };
  std::string text(1 << 20, '\0');
  FEEDMILL_TRY(save(&text));
  if (static_cast<size_t>(needed) > text.size()) {
    text.resize(static_cast<size_t>(needed));
    FEEDMILL_TRY(save(&text));
  }
  text.resize(static_cast<size_t>(needed) - 1);  // without the terminating zero
  return text;
}

Status Booster::Predict(std::span<const float> rows, size_t feature_count, bool raw, const std::string& parameters,
                        std::span<double> out) const {
  int64_t written = 0;
  return Checked(LGBM_BoosterPredictForMat(handle_.get(), rows.data(), C_API_DTYPE_FLOAT32,
                                           static_cast<int32_t>(out.size()), static_cast<int32_t>(feature_count), 1,
                                           raw ? C_API_PREDICT_RAW_SCORE : C_API_PREDICT_NORMAL, 0, -1,
                                           parameters.c_str(), &written, out.data()),
                 "predict");
}

}  // namespace feedmill::train
