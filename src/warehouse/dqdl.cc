#include "warehouse/dqdl.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "warehouse/sql_text.h"

namespace feedmill::warehouse {
namespace {

constexpr size_t kFileBytesMax = 1 << 20;
constexpr size_t kRulesMax = 500;
constexpr size_t kListMax = 1000;
constexpr double kWeeksMax = 52;

struct Token {
  enum class Kind { kWord, kText, kNumber, kSign, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;
  int line = 1;
  size_t begin = 0;
  size_t end = 0;
  bool warn = false;  // a comment `# level: warn` stands right before
};

class Lexer {
 public:
  Lexer(std::string_view file, std::string_view text) : file_(file), text_(text) {}

  Result<Token> Next() {
    bool warn = false;
    SkipSpace(&warn);
    Token token;
    token.line = line_;
    token.begin = at_;
    token.warn = warn;
    if (at_ >= text_.size()) return Ended(token);
    char c = text_[at_];
    if (c == '"') return Quoted(token);
    if (std::isalpha(static_cast<unsigned char>(c)))
      return While(token, Token::Kind::kWord,
                   [](char d) { return std::isalnum(static_cast<unsigned char>(d)) || d == '_'; });
    if (std::isdigit(static_cast<unsigned char>(c)) || c == '-' || c == '.') {
      return While(token, Token::Kind::kNumber, [](char d) {
        return std::isdigit(static_cast<unsigned char>(d)) || d == '.' || d == '-' || d == 'e';
      });
    }
    token.kind = Token::Kind::kSign;
    size_t length = (c == '>' || c == '<' || c == '!') && at_ + 1 < text_.size() && text_[at_ + 1] == '=' ? 2 : 1;
    token.text = text_.substr(at_, length);
    at_ += length;
    return Ended(token);
  }

 private:
  Token Ended(Token token) {
    token.end = at_;
    return token;
  }
  template <typename Accept>
  Token While(Token token, Token::Kind kind, Accept accept) {
    size_t begin = at_++;
    while (at_ < text_.size() && accept(text_[at_])) ++at_;
    token.kind = kind;
    token.text = text_.substr(begin, at_ - begin);
    return Ended(token);
  }
  // Backslash takes the next character as it is.
  Result<Token> Quoted(Token token) {
    token.kind = Token::Kind::kText;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      if (text_[at_] == '\n') ++line_;
      token.text += text_[at_];
    }
    if (at_ >= text_.size())
      return InvalidArgument("{}:{}: a text that begins with \" does not end", file_, token.line);
    ++at_;
    return Ended(token);
  }
  void SkipSpace(bool* warn) {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') {
        size_t end = std::min(text_.find('\n', at_), text_.size());
        if (text_.substr(at_, end - at_).find("level: warn") != std::string_view::npos) *warn = true;
        at_ = end;
      } else if (std::isspace(static_cast<unsigned char>(text_[at_]))) {
        line_ += text_[at_] == '\n';
        ++at_;
      } else {
        return;
      }
    }
  }

  std::string_view file_;
  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
};

class Parser {
 public:
  Parser(std::string_view file, std::string_view text) : file_(file), text_(text), lexer_(file, text) {}

  Result<std::vector<Rule>> Parse() {
    FEEDMILL_TRY(Advance());
    FEEDMILL_TRY(Expect("Rules"));
    FEEDMILL_TRY(Expect("="));
    FEEDMILL_TRY(Expect("["));
    std::vector<Rule> rules;
    while (token_.text != "]" || token_.kind != Token::Kind::kSign) {
      if (rules.size() == kRulesMax) return Wrong("more than {} rules", kRulesMax);
      FEEDMILL_ASSIGN(Rule rule, ParseRule());
      rules.push_back(std::move(rule));
      if (token_.kind == Token::Kind::kSign && token_.text == ",") {
        FEEDMILL_TRY(Advance());
      } else if (token_.text != "]" || token_.kind != Token::Kind::kSign) {
        return Wrong("found {}; allowed here: ',' before another rule or ']' after the last", Found());
      }
    }
    FEEDMILL_TRY(Advance());
    if (token_.kind != Token::Kind::kEnd) return Wrong("found {} after the rules; allowed: nothing more", Found());
    return rules;
  }

 private:
  template <typename... Args>
  std::unexpected<Error> Wrong(fmt::format_string<Args...> format, Args&&... args) const {
    return InvalidArgument("{}:{}: {}", file_, token_.line, fmt::format(format, std::forward<Args>(args)...));
  }
  std::string Found() const {
    return token_.kind == Token::Kind::kEnd ? "the end of the file" : fmt::format("'{}'", token_.text);
  }

  Status Advance() {
    last_end_ = token_.end;
    FEEDMILL_ASSIGN(token_, lexer_.Next());
    return Ok();
  }
  Status Expect(std::string_view text) {
    if (token_.text != text || token_.kind == Token::Kind::kText)
      return Wrong("found {}; expected '{}'", Found(), text);
    return Advance();
  }

  Result<Rule> ParseRule() {
    static const std::map<std::string, RuleKind, std::less<>> kinds = {
        {"RowCount", RuleKind::kRowCount},         {"IsUnique", RuleKind::kIsUnique},
        {"Uniqueness", RuleKind::kUniqueness},     {"Completeness", RuleKind::kCompleteness},
        {"ColumnValues", RuleKind::kColumnValues}, {"CustomSql", RuleKind::kCustomSql}};
    auto found = kinds.find(token_.text);
    if (found == kinds.end() || token_.kind != Token::Kind::kWord) {
      return Wrong("found {}; allowed rules: ColumnValues, Completeness, CustomSql, IsUnique, RowCount, Uniqueness",
                   Found());
    }
    Rule rule;
    rule.kind = found->second;
    rule.line = token_.line;
    rule.blocking = !token_.warn;
    size_t begin = token_.begin;
    FEEDMILL_TRY(Advance());
    if (rule.kind != RuleKind::kRowCount) {
      if (token_.kind != Token::Kind::kText || token_.text.empty())
        return Wrong("found {}; expected a name or SQL in double quotes", Found());
      rule.subject = token_.text;
      FEEDMILL_TRY(Advance());
    }
    if (rule.kind != RuleKind::kIsUnique) {
      FEEDMILL_ASSIGN(rule.condition, ParseCondition(rule.kind));
    }
    if (token_.kind == Token::Kind::kWord && token_.text == "where") FEEDMILL_TRY(ParseWhere(&rule));
    rule.text = CanonicalSql(text_.substr(begin, last_end_ - begin));
    return rule;
  }

  Status ParseWhere(Rule* rule) {
    if (rule->kind == RuleKind::kCustomSql) return Wrong("found 'where'; a CustomSql has its own WHERE");
    FEEDMILL_TRY(Advance());
    if (token_.kind != Token::Kind::kText || token_.text.empty())
      return Wrong("found {}; expected SQL of the rows to look at, in double quotes", Found());
    rule->where = token_.text;
    return Advance();
  }

  // avg(last(4)) * 0.2
  Result<RowHistory> ParseHistory() {
    static const std::map<std::string, RowHistory::Figure, std::less<>> figures = {
        {"avg", RowHistory::Figure::kAverage}, {"min", RowHistory::Figure::kLeast}, {"max", RowHistory::Figure::kMost}};
    RowHistory history;
    auto figure = figures.find(token_.text);
    if (figure == figures.end())
      return Wrong("found {}; expected a number, or avg, min or max of last(WEEKS)", Found());
    history.figure = figure->second;
    FEEDMILL_TRY(Advance());
    for (const char* expected : {"(", "last", "("}) FEEDMILL_TRY(Expect(expected));
    Condition weeks;
    FEEDMILL_TRY(TakeNumber(&weeks));
    if (weeks.numbers[0] < 1 || weeks.numbers[0] > kWeeksMax)
      return Wrong("last({}); allowed: 1 to {} weeks", weeks.numbers[0], kWeeksMax);
    history.weeks = static_cast<int>(weeks.numbers[0]);
    for (const char* expected : {")", ")"}) FEEDMILL_TRY(Expect(expected));
    if (token_.text != "*") return history;
    FEEDMILL_TRY(Advance());
    Condition factor;
    FEEDMILL_TRY(TakeNumber(&factor));
    history.factor = factor.numbers[0];
    return history;
  }

  Result<Condition> ParseCondition(RuleKind kind) {
    const bool texts_allowed = kind == RuleKind::kColumnValues;
    static const std::map<std::string, Condition::Kind, std::less<>> signs = {
        {">", Condition::Kind::kGreater}, {">=", Condition::Kind::kAtLeast}, {"<", Condition::Kind::kLess},
        {"<=", Condition::Kind::kAtMost}, {"=", Condition::Kind::kEqual},    {"!=", Condition::Kind::kNotEqual}};
    Condition condition;
    if (token_.text == "between") {
      condition.kind = Condition::Kind::kBetween;
      FEEDMILL_TRY(Advance());
      FEEDMILL_TRY(TakeNumber(&condition));
      FEEDMILL_TRY(Expect("and"));
      FEEDMILL_TRY(TakeNumber(&condition));
      return condition;
    }
    if (token_.text == "in") return ParseList(texts_allowed);
    auto found = signs.find(token_.text);
    if (found == signs.end())
      return Wrong("found {}; allowed conditions: > >= < <= = != NUMBER, between NUMBER and NUMBER, in [...]", Found());
    condition.kind = found->second;
    FEEDMILL_TRY(Advance());
    if (texts_allowed && token_.kind == Token::Kind::kText && condition.kind == Condition::Kind::kEqual) {
      condition.kind = Condition::Kind::kIn;
      condition.texts.push_back(token_.text);
      FEEDMILL_TRY(Advance());
      return condition;
    }
    if (kind == RuleKind::kRowCount && token_.kind == Token::Kind::kWord) {
      FEEDMILL_ASSIGN(condition.history, ParseHistory());
      return condition;
    }
    FEEDMILL_TRY(TakeNumber(&condition));
    return condition;
  }

  Result<Condition> ParseList(bool texts_allowed) {
    Condition condition;
    condition.kind = Condition::Kind::kIn;
    FEEDMILL_TRY(Advance());
    FEEDMILL_TRY(Expect("["));
    while (true) {
      if (condition.numbers.size() + condition.texts.size() >= kListMax)
        return Wrong("a list of more than {} values", kListMax);
      if (texts_allowed && token_.kind == Token::Kind::kText) {
        condition.texts.push_back(token_.text);
        FEEDMILL_TRY(Advance());
      } else {
        FEEDMILL_TRY(TakeNumber(&condition));
      }
      if (token_.text == "]") break;
      FEEDMILL_TRY(Expect(","));
    }
    FEEDMILL_TRY(Advance());
    if (!condition.texts.empty() && !condition.numbers.empty())
      return Wrong("a list with numbers and texts; allowed: one or the other");
    return condition;
  }

  Status TakeNumber(Condition* condition) {
    double number = 0;
    const char* end = token_.text.data() + token_.text.size();
    auto [stop, code] = std::from_chars(token_.text.data(), end, number);
    if (token_.kind != Token::Kind::kNumber || code != std::errc() || stop != end)
      return Wrong("found {}; expected a number", Found());
    condition->numbers.push_back(number);
    return Advance();
  }

  std::string_view file_;
  std::string_view text_;
  Lexer lexer_;
  Token token_;
  size_t last_end_ = 0;
};

}  // namespace

Result<std::vector<Rule>> ParseDqdl(std::string_view file, std::string_view text) {
  if (text.size() > kFileBytesMax)
    return InvalidArgument("{}: {} bytes; allowed: {}", file, text.size(), kFileBytesMax);
  return Parser(file, text).Parse();
}

bool Holds(const Condition& condition, double value) {
  double first = condition.numbers.empty() ? 0 : condition.numbers[0];
  switch (condition.kind) {
    case Condition::Kind::kGreater:
      return value > first;
    case Condition::Kind::kAtLeast:
      return value >= first;
    case Condition::Kind::kLess:
      return value < first;
    case Condition::Kind::kAtMost:
      return value <= first;
    case Condition::Kind::kEqual:
      return value == first;
    case Condition::Kind::kNotEqual:
      return value != first;
    case Condition::Kind::kBetween:
      return value > first && value < condition.numbers[1];
    case Condition::Kind::kIn:
      return std::ranges::find(condition.numbers, value) != condition.numbers.end();
  }
  return false;
}

}  // namespace feedmill::warehouse
