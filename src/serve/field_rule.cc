// Asks rules of candidates.
#include "serve/field_rule.h"

#include <algorithm>

#include "serve/feed_context.h"

namespace feedmill::serve {

using domain::FieldType;
using features::EntityHandle;
using features::kNoEntity;
using Kind = RuleNode::Kind;
using Of = RuleNode::Of;
using CompareOrder = RuleNode::Order;

namespace {

bool Ordered(double left, CompareOrder order, double right) {
  switch (order) {
    case CompareOrder::kEqual:
      return left == right;
    case CompareOrder::kNotEqual:
      return left != right;
    case CompareOrder::kLess:
      return left < right;
    case CompareOrder::kAtMost:
      return left <= right;
    case CompareOrder::kGreater:
      return left > right;
    case CompareOrder::kAtLeast:
      return left >= right;
  }
  return false;
}

// Numbers are kept as 32-bit floats: what they are compared with is one as well.
double Rounded(FieldType type, double number) {
  return type == FieldType::kNumber ? static_cast<double>(static_cast<float>(number)) : number;
}

}  // namespace

BoundRules::BoundRules(std::span<const FieldRule> rules, const FeedContext& context)
    : rules_(rules), context_(context) {
  for (const FieldRule& rule : rules) {
    std::vector<Value>& values = bound_.emplace_back(rule.nodes.size());
    for (size_t i = 0; i < rule.nodes.size(); ++i) {
      const RuleNode& node = rule.nodes[i];
      if (node.kind != Kind::kOperand || node.of == Of::kItem) continue;
      values[i] = node.of == Of::kUser ? OfUser(node) : node.of == Of::kContext ? OfContext(node) : OfConstant(node);
    }
  }
}

bool BoundRules::Break(const Candidate& candidate) const {
  for (size_t rule = 0; rule < rules_.size(); ++rule) {
    if (Ask(rule, static_cast<int>(rules_[rule].nodes.size()) - 1, candidate) == Truth::kFalse) return true;
  }
  return false;
}

BoundRules::Value BoundRules::OfTexts(std::vector<EntityHandle> texts) {
  const std::vector<EntityHandle>& kept = texts_.emplace_back(std::move(texts));
  return {.given = true, .text = kept.empty() ? kNoEntity : kept.front(), .texts = kept};
}

std::vector<EntityHandle> BoundRules::Find(const std::vector<std::string>& texts) const {
  std::vector<EntityHandle> found;
  for (const std::string& text : texts) found.push_back(context_.state->FindTopic(text));
  return found;
}

BoundRules::Value BoundRules::OfUser(const RuleNode& node) {
  const stream::LiveState& state = *context_.state;
  if (node.field == RuleNode::kCategory) {
    const auto told = context_.ToldTopicsOfUser();
    Value value = OfTexts({told.begin(), told.end()});
    value.given = !told.empty();
    return value;
  }
  const auto field = static_cast<size_t>(node.field);
  const auto supposed = context_.supposed.told_fields.find(field);
  if (supposed != context_.supposed.told_fields.end()) {
    Value value = OfTexts(supposed->second.texts);
    value.given = supposed->second.given;
    value.number = Rounded(node.type, supposed->second.number);
    return value;
  }
  if (context_.user == kNoEntity) return {};
  const Value value = OfWord(node.type, state.UserField(context_.user, field));
  return value.list.given() ? OfTexts(state.TextsOf(value.list)) : value;
}

BoundRules::Value BoundRules::OfContext(const RuleNode& node) {
  const auto said = context_.query->context.find(static_cast<size_t>(node.field));
  if (said == context_.query->context.end()) return {};
  Value value = OfTexts(Find(said->second.texts));
  value.number = Rounded(node.type, said->second.number);
  return value;
}

BoundRules::Value BoundRules::OfConstant(const RuleNode& node) {
  if (node.of == Of::kNow) return {.given = true, .number = static_cast<double>(context_.now / kMicrosPerSecond)};
  Value value = OfTexts(Find(node.texts));
  value.number = Rounded(node.type, node.number);
  return value;
}

BoundRules::Value BoundRules::OfWord(FieldType type, stream::FieldWord word) const {
  Value value;
  value.given = word.given();
  if (!value.given) return value;
  if (type == FieldType::kNumber) value.number = word.number();
  if (type == FieldType::kBoolean) value.number = word.boolean() ? 1 : 0;
  if (type == FieldType::kTime) value.number = static_cast<double>(word.seconds());
  if (type == FieldType::kText) value.text = word.handle();
  if (type == FieldType::kTexts) value.list = word;
  return value;
}

BoundRules::Value BoundRules::OfItem(const RuleNode& node, const Candidate& candidate) const {
  if (node.field >= 0)
    return OfWord(node.type, context_.state->PostField(candidate.input.post, static_cast<size_t>(node.field)));
  if (node.field == RuleNode::kCategory)
    return {.given = candidate.input.topic != kNoEntity, .text = candidate.input.topic};
  return {.given = true, .number = candidate.input.numbers[static_cast<size_t>(RuleNode::kFirstNumber - node.field)]};
}

BoundRules::Value BoundRules::ValueOf(size_t rule, int node, const Candidate& candidate) const {
  const auto place = static_cast<size_t>(node);
  const RuleNode& operand = rules_[rule].nodes[place];
  return operand.of == Of::kItem ? OfItem(operand, candidate) : bound_[rule][place];
}

// Kleene's logic: what is not given makes a part unknown, unless the rest decides.
BoundRules::Truth BoundRules::Ask(size_t rule, int place, const Candidate& candidate) const {
  const RuleNode& node = rules_[rule].nodes[static_cast<size_t>(place)];
  switch (node.kind) {
    case Kind::kAnd: {
      const Truth left = Ask(rule, node.left, candidate);
      return left == Truth::kFalse ? left : std::min(left, Ask(rule, node.right, candidate));
    }
    case Kind::kOr: {
      const Truth left = Ask(rule, node.left, candidate);
      return left == Truth::kTrue ? left : std::max(left, Ask(rule, node.right, candidate));
    }
    case Kind::kNot:
      return static_cast<Truth>(2 - static_cast<int>(Ask(rule, node.left, candidate)));
    case Kind::kHas:
      return ValueOf(rule, node.left, candidate).given ? Truth::kTrue : Truth::kFalse;
    case Kind::kFlag: {
      const Value flag = ValueOf(rule, node.left, candidate);
      if (!flag.given) return Truth::kUnknown;
      return flag.number != 0 ? Truth::kTrue : Truth::kFalse;
    }
    case Kind::kCompare:
    case Kind::kIn:
    case Kind::kOverlaps:
      return Compare(rule, node, candidate);
    case Kind::kOperand:
      break;
  }
  return Truth::kUnknown;
}

BoundRules::Truth BoundRules::Compare(size_t rule, const RuleNode& node, const Candidate& candidate) const {
  const Value left = ValueOf(rule, node.left, candidate), right = ValueOf(rule, node.right, candidate);
  if (!left.given || !right.given) return Truth::kUnknown;
  bool holds = false;
  if (node.kind == Kind::kIn) {
    holds = Holds(right, left.text);
  } else if (node.kind == Kind::kOverlaps) {
    holds = Overlap(left, right);
  } else if (rules_[rule].nodes[static_cast<size_t>(node.left)].type == FieldType::kText) {
    const bool equal = left.text == right.text && left.text != kNoEntity;
    holds = equal == (node.order == CompareOrder::kEqual);
  } else {
    holds = Ordered(left.number, node.order, right.number);
  }
  return holds ? Truth::kTrue : Truth::kFalse;
}

bool BoundRules::Holds(const Value& list, EntityHandle text) const {
  if (text == kNoEntity) return false;
  if (list.list.given()) return context_.state->ListHas(list.list, text);
  return std::ranges::find(list.texts, text) != list.texts.end();
}

bool BoundRules::Overlap(const Value& left, const Value& right) const {
  const Value& kept = left.list.given() ? left : right;
  const Value& other = left.list.given() ? right : left;
  const auto has = [&](EntityHandle text) { return Holds(kept, text); };
  if (!other.list.given()) return std::ranges::any_of(other.texts, has);
  return std::ranges::any_of(context_.state->TextsOf(other.list), has);
}

}  // namespace feedmill::serve
