#include "serve/answer.h"

#include "base/time_text.h"
#include "serve/json_text.h"
#include "serve/reason.h"

namespace feedmill::serve {
namespace {

void AppendSources(const Candidate& candidate, JsonText* json) {
  json->Key("source").Text(SourceName(candidate.best)).Key("sources").Open('[').Text(SourceName(candidate.best));
  for (int i = 0; i < kSourceCount; ++i) {
    const Source source = static_cast<Source>(i);
    if (source != candidate.best && (candidate.sources & SourceBit(source)) != 0) json->Text(SourceName(source));
  }
  json->Close(']');
}

// For debug: where the item stood before, what each model said, and what the models saw.
void AppendInsides(const FeedContext& context, const Candidate& candidate, JsonText* json) {
  json->Key("ranked_position").Integer(candidate.ranked_position).Key("move").Text(MoveName(candidate.move));
  json->Key("recall").Real(candidate.recall);
  if (candidate.model_row < 0) return;
  const std::vector<ActionModel>& actions = context.bundle->actions;
  const double* probabilities = &context.probabilities[static_cast<size_t>(candidate.model_row) * actions.size()];
  json->Key("actions").Open('{');
  for (size_t i = 0; i < actions.size(); ++i) {
    json->Key(actions[i].action).Open('{').Key("probability").Real(probabilities[i]);
    json->Key("weight").Real(context.weights[i]).Close('}');
  }
  json->Close('}');
  const auto& definitions = context.bundle->feature_set.features;
  const float* row = &context.features[static_cast<size_t>(candidate.model_row) * definitions.size()];
  json->Key("features").Open('{');
  for (size_t i = 0; i < definitions.size(); ++i) json->Key(definitions[i].name).Real(row[i]);
  json->Close('}');
}

void AppendItem(const FeedContext& context, const Candidate& candidate, int position, JsonText* json) {
  const stream::LiveState& state = *context.state;
  json->Open('{')
      .Key("id")
      .Text(state.PostId(candidate.input.post))
      .Key("author")
      .Text(candidate.input.author == features::kNoEntity ? "" : state.UserId(candidate.input.author));
  if (candidate.input.topic != features::kNoEntity) json->Key("topic").Text(state.TopicName(candidate.input.topic));
  json->Key("score").Real(candidate.score);
  AppendSources(candidate, json);
  json->Key("reason").Text(ReasonFor(context, candidate)).Key("position").Integer(position);
  if (candidate.input.created_at != 0) json->Key("created_at").Text(FormatTime(candidate.input.created_at));
  if (context.query->debug) {
    json->Key("follows_author").Bool(candidate.input.follows_author);
    AppendInsides(context, candidate, json);
  }
  json->Close('}');
}

void AppendTimings(const FeedContext& context, Micros elapsed, JsonText* json) {
  json->Key("timings_ms").Open('{');
  for (const FunnelStep& step : context.funnel)
    json->Key(step.stage).Rounded(static_cast<double>(step.elapsed) / kMicrosPerMilli, 3);
  json->Key("total").Rounded(static_cast<double>(elapsed) / kMicrosPerMilli, 3).Close('}');
}

void AppendFunnel(const FeedContext& context, JsonText* json) {
  json->Key("funnel").Open('[');
  for (const FunnelStep& step : context.funnel) {
    json->Open('{').Key("stage").Text(step.stage).Key("count").Integer(step.count);
    json->Key("ms").Rounded(static_cast<double>(step.elapsed) / kMicrosPerMilli, 3).Close('}');
  }
  json->Close(']').Key("filtered").Open('{');
  for (size_t i = 0; i < kFilterRuleCount; ++i) {
    if (context.filtered[i] > 0) json->Key(FilterRuleName(static_cast<FilterRule>(i))).Integer(context.filtered[i]);
  }
  json->Close('}');
}

// Where the next page goes on; nothing when this one is not full, or no more items can be told apart.
void AppendNext(const FeedContext& context, JsonText* json) {
  if (std::ssize(context.page) < context.query->n) return;
  FeedCursor cursor = context.query->cursor;
  for (const Candidate& candidate : context.page) {
    if (!cursor.Add(context.state->PostId(candidate.input.post))) return;
  }
  json->Key("next").Text(cursor.Text());
}

}  // namespace

std::string AnswerJson(const FeedContext& context, const AnswerHead& head) {
  std::string out;
  out.reserve(512 + context.page.size() * (context.query->debug ? 2048 : 320));
  JsonText json(&out);
  json.Open('{').Key("request_id").Text(head.request_id).Key("user_id").Text(context.query->user_id);
  json.Key("scene").Text(context.scene->name).Key("now").Text(FormatTime(context.now)).Key("items").Open('[');
  for (size_t i = 0; i < context.page.size(); ++i) AppendItem(context, context.page[i], static_cast<int>(i), &json);
  json.Close(']');
  AppendNext(context, &json);
  json.Key("bundle");
  context.bundle == nullptr ? json.Raw("null") : json.Text(context.bundle->manifest.id);
  json.Key("experiment").Raw("null").Key("degraded").Open('[');
  for (const std::string& part : context.degraded) json.Text(part);
  json.Close(']');
  AppendTimings(context, head.elapsed, &json);
  AppendFunnel(context, &json);
  json.Close('}');
  return out;
}

}  // namespace feedmill::serve
