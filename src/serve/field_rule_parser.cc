// Reads rules: text -> tokens -> nodes, checked against the domain.
#include "serve/field_rule.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace feedmill::serve {
namespace {

using domain::FieldType;
using Kind = RuleNode::Kind;
using Of = RuleNode::Of;
using CompareOrder = RuleNode::Order;

struct Token {
  enum class Kind : uint8_t { kEnd, kWord, kText, kNumber, kSign };
  Kind kind = Kind::kEnd;
  std::string text;
  double number = 0;
  size_t at = 0;
};

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}

  Result<Token> Next() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
    Token token;
    token.at = at_;
    if (at_ == text_.size()) return token;
    const char c = text_[at_];
    if (c == '"' || c == '\'') return Text(c);
    if ((c >= '0' && c <= '9') || c == '-') return Number();
    if (IsWordCharacter(c)) {
      token.kind = Token::Kind::kWord;
      while (at_ < text_.size() && IsWordCharacter(text_[at_])) token.text += text_[at_++];
      return token;
    }
    token.kind = Token::Kind::kSign;
    for (const std::string_view sign : {"==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", ","}) {
      if (!text_.substr(at_).starts_with(sign)) continue;
      token.text = sign;
      at_ += sign.size();
      return token;
    }
    const bool is_plain = static_cast<unsigned char>(c) < 0x80 && c >= ' ';
    const std::string found = is_plain ? std::string(1, c) : fmt::format("byte {:02x}", static_cast<unsigned char>(c));
    return InvalidArgument(
        "character {}: found \"{}\"; allowed: fields, values, and, or, not, in, overlaps, has, ==, !=, <, <=, >, >=",
        at_ + 1, found);
  }

 private:
  Result<Token> Text(char quote) {
    Token token{Token::Kind::kText, "", 0, at_};
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return InvalidArgument("character {}: a text without its end", at_ + 1);
    token.text = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return token;
  }

  Result<Token> Number() {
    Token token{Token::Kind::kNumber, "", 0, at_};
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), token.number);
    if (error != std::errc()) return InvalidArgument("character {}: found no number behind the sign", at_ + 1);
    token.text = text_.substr(at_, static_cast<size_t>(end - text_.data()) - at_);
    at_ += token.text.size();
    return token;
  }

  std::string_view text_;
  size_t at_ = 0;
};

// rule = all ("or" all)*; all = one ("and" one)*; one = "not" one | "(" rule ")" | "has" "(" field ")" | comparison.
class RuleParser {
 public:
  RuleParser(std::string_view text, const domain::Domain& domain) : tokens_(text), domain_(domain) {
    rule_.text = text;
  }

  Result<FieldRule> Parse() {
    FEEDMILL_TRY(Advance());
    FEEDMILL_ASSIGN(const int whole, Chain("or", Kind::kOr));
    if (token_.kind != Token::Kind::kEnd) return Unexpected("and, or, or the end of the rule");
    (void)whole;
    return std::move(rule_);
  }

 private:
  Status Advance() {
    FEEDMILL_ASSIGN(token_, tokens_.Next());
    return Ok();
  }

  std::unexpected<Error> Unexpected(std::string_view allowed) const {
    const std::string found = token_.kind == Token::Kind::kEnd ? "the end" : "\"" + token_.text + "\"";
    return InvalidArgument("character {}: found {}; allowed: {}", token_.at + 1, found, allowed);
  }

  bool Is(Token::Kind kind, std::string_view text) const { return token_.kind == kind && token_.text == text; }

  Status Expect(std::string_view sign) {
    if (!Is(Token::Kind::kSign, sign)) return Unexpected(fmt::format("\"{}\"", sign));
    return Advance();
  }

  Result<int> Add(RuleNode node) {
    if (rule_.nodes.size() == kRuleNodesMax)
      return InvalidArgument("more than {} parts; allowed: several rules, all of which must hold", kRuleNodesMax);
    rule_.nodes.push_back(std::move(node));
    return static_cast<int>(rule_.nodes.size()) - 1;
  }

  Result<int> Chain(std::string_view word, Kind kind) {
    const auto part = [&] { return kind == Kind::kOr ? Chain("and", Kind::kAnd) : One(); };
    FEEDMILL_ASSIGN(int left, part());
    while (Is(Token::Kind::kWord, word)) {
      FEEDMILL_TRY(Advance());
      FEEDMILL_ASSIGN(const int right, part());
      FEEDMILL_ASSIGN(left, Add({.kind = kind, .left = left, .right = right}));
    }
    return left;
  }

  Result<int> One() {
    if (++depth_ > kDepthMax) return InvalidArgument("deeper than {} levels", kDepthMax);
    auto one = Part();
    --depth_;
    return one;
  }

  Result<int> Part() {
    if (Is(Token::Kind::kWord, "not")) {
      FEEDMILL_TRY(Advance());
      FEEDMILL_ASSIGN(const int part, One());
      return Add({.kind = Kind::kNot, .left = part});
    }
    if (Is(Token::Kind::kSign, "(")) {
      FEEDMILL_TRY(Advance());
      FEEDMILL_ASSIGN(const int part, Chain("or", Kind::kOr));
      FEEDMILL_TRY(Expect(")"));
      return part;
    }
    if (Is(Token::Kind::kWord, "has")) return Has();
    return Comparison();
  }

  Result<int> Has() {
    FEEDMILL_TRY(Advance());
    FEEDMILL_TRY(Expect("("));
    FEEDMILL_ASSIGN(const int field, Operand());
    if (const Of of = rule_.nodes[static_cast<size_t>(field)].of; of == Of::kConstant || of == Of::kNow)
      return InvalidArgument("has(...): found a value; allowed: a field");
    FEEDMILL_TRY(Expect(")"));
    return Add({.kind = Kind::kHas, .left = field});
  }

  Result<int> Comparison() {
    const size_t begin = token_.at;
    FEEDMILL_ASSIGN(const int left, Operand());
    const std::string sign = token_.text;
    const std::optional<RuleNode> comparing = ComparingOf();
    if (!comparing) {
      if (TypeOf(left) != FieldType::kBoolean)
        return Unexpected(fmt::format("==, !=, <, <=, >, >=, in or overlaps behind a {}", FieldTypeName(TypeOf(left))));
      return Add({.kind = Kind::kFlag, .left = left});
    }
    FEEDMILL_TRY(Advance());
    FEEDMILL_ASSIGN(const int right, Operand());
    FEEDMILL_TRY(CheckTypes(begin, sign, *comparing, left, right));
    RuleNode node = *comparing;
    node.left = left;
    node.right = right;
    return Add(std::move(node));
  }

  std::optional<RuleNode> ComparingOf() const {
    if (Is(Token::Kind::kWord, "in")) return RuleNode{.kind = Kind::kIn};
    if (Is(Token::Kind::kWord, "overlaps")) return RuleNode{.kind = Kind::kOverlaps};
    if (token_.kind != Token::Kind::kSign) return std::nullopt;
    constexpr std::pair<std::string_view, CompareOrder> kOrders[] = {
        {"==", CompareOrder::kEqual},  {"!=", CompareOrder::kNotEqual}, {"<", CompareOrder::kLess},
        {"<=", CompareOrder::kAtMost}, {">", CompareOrder::kGreater},   {">=", CompareOrder::kAtLeast}};
    for (const auto& [sign, order] : kOrders) {
      if (token_.text == sign) return RuleNode{.kind = Kind::kCompare, .order = order};
    }
    return std::nullopt;
  }

  Status CheckTypes(size_t at, std::string_view sign, const RuleNode& comparing, int left, int right) const {
    const FieldType of_left = TypeOf(left), of_right = TypeOf(right);
    bool good = false;
    std::string_view allowed;
    if (comparing.kind == Kind::kIn) {
      good = of_left == FieldType::kText && of_right == FieldType::kTexts;
      allowed = "a text in texts, like item.lang in [\"de\"]";
    } else if (comparing.kind == Kind::kOverlaps) {
      good = of_left == FieldType::kTexts && of_right == FieldType::kTexts;
      allowed = "texts on both sides";
    } else if (comparing.order == CompareOrder::kEqual || comparing.order == CompareOrder::kNotEqual) {
      good = of_left == of_right && of_left != FieldType::kTexts && of_left != FieldType::kBoolean;
      allowed = "two texts, two numbers or two times (of booleans say and, or, not)";
    } else {
      good = of_left == of_right && (of_left == FieldType::kNumber || of_left == FieldType::kTime);
      allowed = "two numbers or two times";
    }
    if (good) return Ok();
    return InvalidArgument("character {}: found {} {} {}; allowed: {}", at + 1, FieldTypeName(of_left), sign,
                           FieldTypeName(of_right), allowed);
  }

  FieldType TypeOf(int node) const { return rule_.nodes[static_cast<size_t>(node)].type; }

  Result<int> Operand() {
    RuleNode node;
    if (Is(Token::Kind::kSign, "[")) return List();
    if (token_.kind == Token::Kind::kText) {
      node.texts = {token_.text};
    } else if (token_.kind == Token::Kind::kNumber) {
      node.type = FieldType::kNumber;
      node.number = token_.number;
    } else if (Is(Token::Kind::kWord, "true") || Is(Token::Kind::kWord, "false")) {
      node.type = FieldType::kBoolean;
      node.number = token_.text == "true" ? 1 : 0;
    } else if (Is(Token::Kind::kWord, "now")) {
      node.of = Of::kNow;
      node.type = FieldType::kTime;
    } else if (!FindField(&node)) {
      return Unexpected(KnownFields());
    }
    FEEDMILL_TRY(Advance());
    return Add(std::move(node));
  }

  Result<int> List() {
    RuleNode node{.type = FieldType::kTexts};
    do {
      FEEDMILL_TRY(Advance());
      if (token_.kind != Token::Kind::kText || node.texts.size() == kTextsMax)
        return Unexpected(fmt::format("a list of at most {} texts in quotes", kTextsMax));
      node.texts.push_back(token_.text);
      FEEDMILL_TRY(Advance());
    } while (Is(Token::Kind::kSign, ","));
    FEEDMILL_TRY(Expect("]"));
    return Add(std::move(node));
  }

  bool FindField(RuleNode* node) const {
    if (token_.kind != Token::Kind::kWord) return false;
    const size_t dot = token_.text.find('.');
    if (dot == std::string::npos) return false;
    const std::string whose = token_.text.substr(0, dot), name = token_.text.substr(dot + 1);
    const domain::ItemKind& shown = domain_.Shown();
    const domain::ItemKind& users = domain_.Users();
    if (whose == "item") {
      node->of = Of::kItem;
      if (FindDeclared(shown.fields, name, node)) return true;
      if (name == shown.category && !name.empty()) return Known(FieldType::kText, RuleNode::kCategory, node);
      const auto number = std::ranges::find(shown.numbers, name);
      if (number == shown.numbers.end()) return false;
      return Known(FieldType::kNumber, RuleNode::kFirstNumber - static_cast<int>(number - shown.numbers.begin()), node);
    }
    if (whose == "user") {
      node->of = Of::kUser;
      if (name == users.category && !name.empty()) return Known(FieldType::kTexts, RuleNode::kCategory, node);
      return FindDeclared(users.fields, name, node);
    }
    node->of = Of::kContext;
    return whose == "context" && FindDeclared(domain_.context, name, node);
  }

  static bool Known(FieldType type, int field, RuleNode* node) {
    node->type = type;
    node->field = field;
    return true;
  }

  static bool FindDeclared(const std::vector<domain::Field>& fields, std::string_view name, RuleNode* node) {
    const auto field = std::ranges::find(fields, name, &domain::Field::name);
    return field != fields.end() && Known(field->type, static_cast<int>(field - fields.begin()), node);
  }

  std::string KnownFields() const {
    std::string names = "a value, now, or a field of domain.toml:";
    const domain::ItemKind& shown = domain_.Shown();
    for (const domain::Field& field : shown.fields) names += " item." + field.name;
    if (!shown.category.empty()) names += " item." + shown.category;
    for (const std::string& number : shown.numbers) names += " item." + number;
    if (!domain_.Users().category.empty()) names += " user." + domain_.Users().category;
    for (const domain::Field& field : domain_.Users().fields) names += " user." + field.name;
    for (const domain::Field& field : domain_.context) names += " context." + field.name;
    return names;
  }

  static constexpr int kDepthMax = 32;
  static constexpr size_t kTextsMax = 100;

  Tokens tokens_;
  const domain::Domain& domain_;
  Token token_;
  FieldRule rule_;
  int depth_ = 0;
};

}  // namespace

Result<FieldRule> ParseFieldRule(std::string_view text, const domain::Domain& domain) {
  if (text.size() > kRuleBytesMax)
    return InvalidArgument("found {} bytes; allowed: at most {}", text.size(), kRuleBytesMax);
  return RuleParser(text, domain).Parse();
}

}  // namespace feedmill::serve
