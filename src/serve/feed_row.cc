#include "serve/feed_row.h"

#include <algorithm>

#include "base/time_text.h"
#include "data/log_positions.h"
#include "serve/json_text.h"
#include "serve/reason.h"

namespace feedmill::serve {
namespace {

void AppendModelRow(const FeedContext& context, const Candidate& candidate, JsonText* json) {
  if (candidate.model_row < 0) return;
  const size_t actions = context.bundle->actions.size();
  const size_t width = context.bundle->feature_set.features.size();
  const size_t row = static_cast<size_t>(candidate.model_row);
  json->Key("probabilities").Open('[');
  for (size_t i = 0; i < actions; ++i) json->Real(context.probabilities[row * actions + i]);
  json->Close(']').Key("features").Open('[');
  for (size_t i = 0; i < width; ++i) json->Real(context.features[row * width + i]);
  json->Close(']');
}

// `position` is -1 for a candidate that was not shown.
void AppendCandidate(const FeedContext& context, const Candidate& candidate, int position, JsonText* json) {
  const stream::LiveState& state = *context.state;
  json->Open('{').Key("post_id").Text(state.PostId(candidate.input.post));
  json->Key("author_id")
      .Text(candidate.input.author == features::kNoEntity ? "" : state.UserId(candidate.input.author));
  if (position >= 0) json->Key("position").Integer(position).Key("reason").Text(ReasonFor(context, candidate));
  json->Key("source").Text(SourceName(candidate.best)).Key("sources").Open('[');
  for (int i = 0; i < kSourceCount; ++i) {
    if ((candidate.sources & SourceBit(static_cast<Source>(i))) != 0) json->Text(SourceName(static_cast<Source>(i)));
  }
  json->Close(']').Key("score").Real(candidate.score).Key("recall").Real(candidate.recall);
  json->Key("ranked_position").Integer(candidate.ranked_position).Key("move").Text(MoveName(candidate.move));
  AppendModelRow(context, candidate, json);
  json->Close('}');
}

// "0:123": the next offset of each partition of the log when the state was read.
std::string AppliedText(const stream::LiveState& state) {
  std::vector<LogPosition> next;
  for (const auto& [partition, offset] : state.AppliedOffsets()) next.push_back({partition, offset});
  return FormatLogPositions(next);
}

void AppendHead(const FeedContext& context, const AnswerHead& head, JsonText* json) {
  json->Key("request_id").Text(head.request_id).Key("user_id").Text(context.query->user_id);
  json->Key("scene").Text(context.scene->name).Key("n").Integer(context.query->n);
  json->Key("time").Text(FormatTime(context.now)).Key("as_of").Text(FormatTime(context.as_of));
  json->Key("applied").Text(AppliedText(*context.state));
  json->Key("bundle");
  context.bundle == nullptr ? json->Raw("null") : json->Text(context.bundle->manifest.id);
  json->Key("experiment").Raw("null").Key("degraded").Open('[');
  for (const std::string& part : context.degraded) json->Text(part);
  json->Close(']').Key("total_ms").Rounded(static_cast<double>(head.elapsed) / kMicrosPerMilli, 3);
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

// Names of the columns of "probabilities" and "features".
void AppendColumns(const FeedContext& context, JsonText* json) {
  if (context.probabilities.empty()) return;
  json->Key("feature_set").Text(context.bundle->feature_set.hash).Key("actions").Open('[');
  for (const ActionModel& action : context.bundle->actions) json->Text(action.action);
  json->Close(']').Key("weights").Open('[');
  for (double weight : context.weights) json->Real(weight);
  json->Close(']').Key("feature_names").Open('[');
  for (const features::FeatureDefinition& feature : context.bundle->feature_set.features) json->Text(feature.name);
  json->Close(']');
}

bool OnPage(const FeedContext& context, features::EntityHandle post) {
  return std::any_of(context.page.begin(), context.page.end(),
                     [&](const Candidate& shown) { return shown.input.post == post; });
}

}  // namespace

std::string FeedRowJson(FeedContext* context, const AnswerHead& head, int samples) {
  std::string out;
  out.reserve(2048 + 1024 * context->page.size());
  JsonText json(&out);
  json.Open('{');
  AppendHead(*context, head, &json);
  AppendColumns(*context, &json);
  json.Key("items").Open('[');
  for (size_t i = 0; i < context->page.size(); ++i)
    AppendCandidate(*context, context->page[i], static_cast<int>(i), &json);
  json.Close(']').Key("sampled").Open('[');
  const std::vector<Candidate>& all = context->candidates.items();
  for (int i = 0; i < samples && !all.empty(); ++i) {
    const Candidate& drawn = all[context->random.Below(all.size())];
    if (!OnPage(*context, drawn.input.post)) AppendCandidate(*context, drawn, -1, &json);
  }
  json.Close(']').Close('}');
  return out;
}

}  // namespace feedmill::serve
