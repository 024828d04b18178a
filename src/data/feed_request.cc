#include "data/feed_request.h"

#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

#include "base/time_text.h"

namespace feedmill {
namespace {

using Json = nlohmann::json;

// Collects the first fault, so that reading a document stays a list of its members.
class DocumentReader {
 public:
  const Status& status() const { return status_; }

  // The member, or null when it is not there.
  const Json* Member(const Json& object, const char* name) {
    auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
  }

  void Text(const Json& object, const char* name, std::string* out) {
    const Json* value = Member(object, name);
    if (value == nullptr) return;
    value->is_string() ? void(*out = value->get<std::string>()) : Wrong(name, "a text");
  }
  void Number(const Json& object, const char* name, double* out) {
    const Json* value = Member(object, name);
    if (value == nullptr) return;
    value->is_number() ? void(*out = value->get<double>()) : Wrong(name, "a number");
  }
  void Integer(const Json& object, const char* name, int64_t* out) {
    const Json* value = Member(object, name);
    if (value == nullptr) return;
    value->is_number_integer() ? void(*out = value->get<int64_t>()) : Wrong(name, "an integer");
  }
  void Time(const Json& object, const char* name, Micros* out) {
    std::string text;
    Text(object, name, &text);
    auto time = ParseTime(text);
    time ? void(*out = *time) : Wrong(name, "a time");
  }
  void Texts(const Json& object, const char* name, std::vector<std::string>* out) {
    Each(object, name, [&](const Json& value) {
      value.is_string() ? void(out->push_back(value.get<std::string>())) : Wrong(name, "a list of texts");
    });
  }
  template <typename T>
  void Numbers(const Json& object, const char* name, std::vector<T>* out) {
    Each(object, name, [&](const Json& value) {
      if (value.is_null()) return out->push_back(std::numeric_limits<T>::quiet_NaN());
      value.is_number() ? out->push_back(static_cast<T>(value.get<double>())) : Wrong(name, "a list of numbers");
    });
  }
  template <typename Visit>
  void Each(const Json& object, const char* name, const Visit& visit) {
    const Json* list = Member(object, name);
    if (list == nullptr) return;
    if (!list->is_array()) return Wrong(name, "a list");
    for (const Json& value : *list) visit(value);
  }
  void Wrong(const char* name, std::string_view allowed) {
    if (status_) status_ = Corrupt("feed request: {} is not {}", name, allowed);
  }

 private:
  Status status_ = Ok();
};

void ReadItems(DocumentReader& reader, const Json& root, const char* name, std::vector<FeedRequestItem>* out) {
  reader.Each(root, name, [&](const Json& value) {
    if (!value.is_object()) return reader.Wrong(name, "a list of objects");
    FeedRequestItem& item = out->emplace_back();
    reader.Text(value, "post_id", &item.post_id);
    reader.Text(value, "author_id", &item.author_id);
    reader.Integer(value, "position", &item.position);
    reader.Text(value, "source", &item.source);
    reader.Number(value, "score", &item.score);
    reader.Text(value, "reason", &item.reason);
    reader.Numbers(value, "probabilities", &item.probabilities);
    reader.Numbers(value, "features", &item.features);
  });
}

void ReadFunnel(DocumentReader& reader, const Json& root, std::vector<FeedStage>* out) {
  reader.Each(root, "funnel", [&](const Json& value) {
    if (!value.is_object()) return reader.Wrong("funnel", "a list of objects");
    FeedStage& stage = out->emplace_back();
    reader.Text(value, "stage", &stage.stage);
    reader.Integer(value, "count", &stage.count);
    reader.Number(value, "ms", &stage.milliseconds);
  });
}

}  // namespace

Result<FeedRequest> ParseFeedRequest(std::string_view json) {
  Json root = Json::parse(json, nullptr, false);
  if (!root.is_object()) return Corrupt("feed request: the document is no JSON object");
  FeedRequest request;
  DocumentReader reader;
  reader.Text(root, "request_id", &request.request_id);
  if (request.request_id.empty()) reader.Wrong("request_id", "there");
  reader.Text(root, "user_id", &request.user_id);
  reader.Text(root, "scene", &request.scene);
  reader.Time(root, "time", &request.time);
  reader.Text(root, "bundle", &request.bundle);
  reader.Texts(root, "degraded", &request.degraded);
  reader.Number(root, "total_ms", &request.total_ms);
  ReadFunnel(reader, root, &request.funnel);
  reader.Text(root, "feature_set", &request.feature_set);
  reader.Texts(root, "actions", &request.actions);
  reader.Numbers(root, "weights", &request.weights);
  reader.Texts(root, "feature_names", &request.feature_names);
  ReadItems(reader, root, "items", &request.items);
  ReadItems(reader, root, "sampled", &request.sampled);
  if (!reader.status()) return std::unexpected(reader.status().error());
  return request;
}

}  // namespace feedmill
