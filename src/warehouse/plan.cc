#include "warehouse/plan.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "base/hash.h"
#include "base/time_text.h"
#include "warehouse/sql_text.h"

namespace feedmill::warehouse {
namespace {

using Upcoming = std::map<std::string, std::vector<TimeRange>>;

bool WillChange(const Upcoming& upcoming, const InputWindow& input, const TimeRange& range) {
  auto found = upcoming.find(input.table);
  if (found == upcoming.end() || input.stable || input.self) return false;
  return std::ranges::any_of(
      found->second, [&](const TimeRange& changing) { return input.column.empty() || changing.Overlaps(range); });
}

// Inputs of a native model are whole tables.
std::vector<InputWindow> InputsOf(const Model& model) {
  if (model.materialization != Materialization::kNative) return model.reads;
  std::vector<InputWindow> inputs;
  for (const std::string& table : model.depends) {
    InputWindow input;
    input.table = table;
    inputs.push_back(std::move(input));
  }
  return inputs;
}

class ModelPlanner {
 public:
  ModelPlanner(const Model& model, InputFiles& files, const PlanOptions& options, const Upcoming& upcoming)
      : model_(model), inputs_(InputsOf(model)), files_(files), options_(options), upcoming_(upcoming) {}

  Result<ModelPlan> Plan(const std::map<Micros, IntervalState>& done) {
    plan_.model = model_.name;
    plan_.sql_hash = SqlHash(model_);
    if (model_.materialization == Materialization::kExternal) return plan_;
    bool by_interval =
        model_.materialization == Materialization::kIncremental || model_.materialization == Materialization::kAppend;
    if (!by_interval) {
      FEEDMILL_TRY(Consider(0, options_.end, done));
      return plan_;
    }
    FEEDMILL_ASSIGN(std::set<Micros> starts, Starts());
    newest_ = starts.empty() ? 0 : *starts.rbegin();
    for (Micros start : starts) FEEDMILL_TRY(Consider(start, start + model_.interval, done));
    if (model_.materialization == Materialization::kIncremental) {
      const Micros next_day = FloorTo(options_.end - 1, kMicrosPerDay) + kMicrosPerDay;
      FEEDMILL_ASSIGN(plan_.rows_ahead, files_.RowsOf(*Driving(), {next_day, std::nullopt}));
    }
    if (starts.empty()) FEEDMILL_TRY(PlanEmptyTable());
    return plan_;
  }

  // Records of a former release that still hold, as they are written now.
  const std::vector<IntervalState>& adopted() const { return adopted_; }

 private:
  const InputWindow* Driving() const {
    auto found = std::ranges::find_if(
        inputs_, [](const InputWindow& input) { return !input.column.empty() && !input.stable && !input.self; });
    return found == inputs_.end() ? nullptr : &*found;
  }

  // Intervals that the driving input has rows of, or will have.
  Result<std::set<Micros>> Starts() {
    const InputWindow* driving = Driving();
    if (driving == nullptr)
      return InvalidArgument("{}:1: no 'reads: TABLE.TIME_COLUMN ...' line says which intervals there are",
                             model_.file);
    // A dimension knows whatever has landed, also what came in after the cut: late events of days before it name things
    // too.
    TimeRange history;
    if (model_.materialization != Materialization::kAppend) history.to = options_.end;
    FEEDMILL_ASSIGN(std::set<Micros> starts, files_.IntervalStarts(*driving, model_.interval, history));
    auto found = upcoming_.find(driving->table);
    if (found == upcoming_.end()) return starts;
    for (const TimeRange& range : found->second) {
      if (!range.from || !range.to) continue;  // a table that is made whole: which days it will have is not known yet
      for (Micros start = FloorTo(*range.from, model_.interval); start < *range.to; start += model_.interval) {
        if (!history.to || start < *history.to) starts.insert(start);
      }
    }
    return starts;
  }

  // Nothing to make it from is no fault: the table is there, without rows, for what reads it.
  Status PlanEmptyTable() {
    FEEDMILL_ASSIGN(const TableState* own, files_.Load(model_.name));
    if (own->exists) return Ok();
    const Micros start = FloorTo(options_.end - 1, model_.interval);
    FEEDMILL_TRY(Consider(start, start + model_.interval, {}));
    return Ok();
  }

  bool Forced(Micros start, Micros end) const {
    if (!options_.force_start && !options_.force_end) return false;
    if (start == 0 && model_.materialization != Materialization::kIncremental &&
        model_.materialization != Materialization::kAppend)
      return true;
    return TimeRange{start, end}.Overlaps({options_.force_start, options_.force_end});
  }

  Status Consider(Micros start, Micros end, const std::map<Micros, IntervalState>& done) {
    PendingInterval pending{start, end, "", {}, 0};
    std::string changed;
    auto state = done.find(start);
    for (const InputWindow& input : inputs_) {
      if (input.stable || input.self) continue;
      FEEDMILL_ASSIGN(TimeRange window, files_.WindowOf(model_, input, start, end));
      FEEDMILL_ASSIGN(pending.inputs[input.table], files_.HashOf(input, window));
      bool differs = false;
      if (state != done.end()) {
        FEEDMILL_ASSIGN(differs, Differs(state->second, input, window, pending.inputs[input.table]));
      }
      if (changed.empty() && (differs || WillChange(upcoming_, input, window))) changed = input.table;
    }
    if (start != 0 && Driving() != nullptr) {
      FEEDMILL_ASSIGN(pending.input_rows, files_.RowsOf(*Driving(), {start, end}));
    }
    pending.reason = Reason(pending, state == done.end() ? nullptr : &state->second, changed);
    bool of_former_release = state != done.end() && state->second.input_rows < 0;
    if (pending.reason.empty() && changed.empty() && of_former_release) {
      adopted_.push_back(state->second);
      adopted_.back().inputs = pending.inputs;
      adopted_.back().input_rows = pending.input_rows;
    }
    if (!pending.reason.empty()) plan_.intervals.push_back(std::move(pending));
    return Ok();
  }

  // Records of former releases hold hashes of another kind.
  Result<bool> Differs(const IntervalState& state, const InputWindow& input, const TimeRange& window,
                       const std::string& hash) {
    const std::string former = Former(state, input.table);
    if (state.input_rows >= 0) return former != hash;
    FEEDMILL_ASSIGN(const std::string same_kind, files_.FormerHashOf(input, window));
    return former != same_kind;
  }

  static std::string Former(const IntervalState& state, const std::string& table) {
    auto found = state.inputs.find(table);
    return found == state.inputs.end() ? "" : found->second;
  }

  // "" = nothing to do. Counts what is too late.
  std::string Reason(const PendingInterval& pending, const IntervalState* former, const std::string& changed) {
    if (Forced(pending.start, pending.end)) return "forced";
    const bool unmade = former == nullptr || former->status != "done" || former->sql_hash != plan_.sql_hash;
    if (unmade && options_.force_start && pending.start != 0) return "";  // of other days; the next run makes it
    if (former == nullptr) return pending.start == 0 ? "never made" : "new interval";
    if (former->status != "done") return "refused last time";
    if (former->sql_hash != plan_.sql_hash) return "SQL changed";
    bool at_cut =
        model_.materialization == Materialization::kFull || model_.materialization == Materialization::kNative;
    if (at_cut && former->end != pending.end) return changed.empty() ? "later end" : changed + " changed";
    if (changed.empty()) return "";
    // Rows are only added to a dimension, so a day of it that has gained events is always read again.
    bool bounded = pending.start != 0 && model_.materialization != Materialization::kAppend;
    if (bounded && pending.start < newest_ - model_.lookback) {
      if (options_.late) return changed + " changed late";
      NoteLate(pending, *former);
      return "";
    }
    return changed + " changed";
  }

  // Files that were written anew, and rows of a neighbour's day, bring nothing new to the day itself.
  void NoteLate(const PendingInterval& pending, const IntervalState& former) {
    if (former.input_rows == pending.input_rows) return;
    if (plan_.late_intervals++ == 0) plan_.late_first = pending.start;
    if (former.input_rows >= 0) plan_.late_rows += std::max<int64_t>(0, pending.input_rows - former.input_rows);
  }

  const Model& model_;
  std::vector<InputWindow> inputs_;
  InputFiles& files_;
  const PlanOptions& options_;
  const Upcoming& upcoming_;
  ModelPlan plan_;
  std::vector<IntervalState> adopted_;
  Micros newest_ = 0;
};

std::string Span(const ModelPlan& plan) {
  const PendingInterval& first = plan.intervals.front();
  const PendingInterval& last = plan.intervals.back();
  if (first.start == 0) return fmt::format("whole, as of {}", FormatTime(last.end));
  std::string text = fmt::format("{} interval{}", plan.intervals.size(), plan.intervals.size() == 1 ? "" : "s");
  text += " " + FormatTime(first.start).substr(0, 10);
  if (plan.intervals.size() > 1) text += " .. " + FormatTime(last.start).substr(0, 10);
  return text;
}

std::string Reasons(const ModelPlan& plan) {
  std::map<std::string, int> count;
  for (const PendingInterval& interval : plan.intervals) ++count[interval.reason];
  std::string text;
  for (const auto& [reason, intervals] : count) {
    text += (text.empty() ? "" : "; ") + reason;
    if (count.size() > 1) text += fmt::format(" ({})", intervals);
  }
  return text;
}

}  // namespace

std::string SqlHash(const Model& model) {
  std::string text = model.native + "|" + CanonicalSql(model.sql);
  for (const InputWindow& input : model.reads) {
    text += fmt::format("|{}.{} {} {}", input.table, input.column, input.before.value_or(-1), input.after);
    if (input.last_days > 0) text += fmt::format(" last {}", input.last_days);
  }
  return Sha256Hex(text).substr(0, 16);
}

Result<ModelPlan> PlanModel(const Context& context, const Model& model, InputFiles& inputs, const PlanOptions& options,
                            const Upcoming& upcoming) {
  FEEDMILL_ASSIGN(auto done, LoadIntervals(context.store, IntervalName(context, model.name)));
  ModelPlanner planner(model, inputs, options, upcoming);
  FEEDMILL_ASSIGN(ModelPlan plan, planner.Plan(done));
  if (!planner.adopted().empty()) FEEDMILL_TRY(SaveIntervals(context.store, planner.adopted()));
  return plan;
}

Result<std::vector<ModelPlan>> PlanAll(const Context& context, const Project& project, const PlanOptions& options) {
  std::vector<ModelPlan> plans;
  InputFiles inputs(context);
  Upcoming upcoming;
  if (!options.only.empty() && project.Find(options.only) == nullptr) {
    std::vector<std::string> names;
    for (const Model& model : project.models) names.push_back(model.name);
    return NotFound("no model is named \"{}\"; there are: {}", options.only, fmt::join(names, ", "));
  }
  for (const Model& model : project.models) {
    if (!options.only.empty() && model.name != options.only) continue;
    FEEDMILL_ASSIGN(ModelPlan plan, PlanModel(context, model, inputs, options, upcoming));
    if (plan.intervals.empty() && plan.late_intervals == 0 && plan.rows_ahead == 0) continue;
    for (const PendingInterval& interval : plan.intervals) {
      bool whole = interval.start == 0 || model.materialization == Materialization::kAppend;
      upcoming[model.name].push_back(whole ? TimeRange{} : TimeRange{interval.start, interval.end});
    }
    plans.push_back(std::move(plan));
  }
  return plans;
}

std::string LeftOut(const ModelPlan& plan) {
  std::string text;
  if (plan.late_intervals > 0) {
    text += fmt::format(
        "{} rows came too late for {} interval{} from {} on, past the lookback: `feedmill backfill --late` makes {}",
        plan.late_rows, plan.late_intervals, plan.late_intervals == 1 ? "" : "s",
        FormatTime(plan.late_first).substr(0, 10), plan.late_intervals == 1 ? "it" : "them");
  }
  if (plan.rows_ahead > 0)
    text += fmt::format("{}{} rows are of days after the cut and wait", text.empty() ? "" : "; ", plan.rows_ahead);
  return text;
}

std::string FormatPlan(const std::vector<ModelPlan>& plans) {
  std::string text;
  bool anything = false;
  for (const ModelPlan& plan : plans) {
    const std::string left_out = LeftOut(plan);
    const std::string note = left_out.empty() ? "" : "  (" + left_out + ")";
    anything = anything || !plan.intervals.empty();
    if (plan.intervals.empty()) {
      text += fmt::format("{:<24} nothing{}\n", plan.model, note);
    } else {
      text += fmt::format("{:<24} {:<42} {}{}\n", plan.model, Span(plan), Reasons(plan), note);
    }
  }
  return anything ? text : "nothing to do: every table is up to date\n" + text;
}

}  // namespace feedmill::warehouse
