// Every model of the template on rows that are all of one user, one post, one author or one instant: its work must grow
// with the rows and not with their square. FEEDMILL_ADVERSARIAL_ROWS=1000000 makes the worlds ten times as large.
#include <cstdlib>
#include <map>

#include "base/cpu_time.h"
#include "warehouse/template_for_test.h"

namespace feedmill::warehouse {
namespace {

constexpr int64_t kRows = 100'000;
constexpr uint64_t kModelMemoryBytes = 2800ull << 20;  // of what the models' headers allow, the engine's share
constexpr int64_t kTimes = 4;                          // the large world to the small one
constexpr double kGrowthMax = 9;                       // of processor time; linear is kTimes, quadratic its square
constexpr double kNoiseSeconds = 1;                    // too little to tell growth from

int64_t Rows() {
  const char* wanted = std::getenv("FEEDMILL_ADVERSARIAL_ROWS");
  return wanted == nullptr ? kRows : std::max<int64_t>(kTimes, std::atoll(wanted));
}

double ProcessorSeconds() { return CpuMicros(CLOCK_PROCESS_CPUTIME_ID) / 1e6; }

// What differs between the worlds; SQL over the row's number i.
struct World {
  std::string name;
  std::string event;
  std::string time = "TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL (i % 86000) SECOND";
  std::string user = "'ann'";
  std::string post = "'p'";
  std::string target = "'bob'";
  std::string request = "NULL";
};

const std::string kMixed =
    "['feed_impression', 'post_click', 'like', 'dwell', 'post_create', 'follow', 'unfollow', 'hide'][1 + i % 8]";

std::vector<World> Worlds() {
  return {
      {.name = "impressions and clicks without a request", .event = "['feed_impression', 'post_click'][1 + i % 2]"},
      {.name = "one of everything, all at once", .event = kMixed, .time = "TIMESTAMPTZ '2024-01-01 10:00:00+00'"},
      {.name = "one of everything, a request each", .event = kMixed, .request = "'r' || (i / 2)::BIGINT"},
      {.name = "one request", .event = kMixed, .request = "'r'"},
      {.name = "one post, a user each", .event = kMixed, .user = "'u' || i", .target = "'u' || (i + 1)"},
      {.name = "one user, a post each", .event = kMixed, .post = "'p' || i", .target = "'u' || i"},
      {.name = "one author without posts",
       .event = "['feed_impression', 'hide', 'follow'][1 + i % 3]",
       .post = "CASE WHEN i % 3 = 0 THEN 'p' || i END"},
  };
}

class AdversarialTest : public TemplateTest, public ::testing::WithParamInterface<World> {
 protected:
  AdversarialTest() {
    if (Rows() > kRows) memory_bytes_max_ = kModelMemoryBytes;
  }

  void Fill(const World& world, int64_t rows) {
    NewSession();
    CreateTables();
    const std::string sql = fmt::format(
        "INSERT INTO ods_event (event_id, type, event, user_id, event_time, received_time, post_id, target_user_id, "
        "request_id, topic, dwell_ms, text_length, log_partition, log_offset) SELECT 'e' || i, 'track', {}, {}, {}, "
        "TIMESTAMPTZ '2024-01-01 23:00:00+00', {}, {}, {}, 'tea', 100, 10, 0, i FROM range({}) rows(i)",
        world.event, world.user, world.time, world.post, world.target, world.request, rows);
    ASSERT_THAT(session_->Execute(sql), IsOk());
  }

  // Seconds of processor time by model.
  std::map<std::string, double> MakeAll() {
    std::map<std::string, double> seconds;
    for (const Model& model : project_.models) {
      if (!model.native.empty() || model.materialization == Materialization::kExternal) continue;
      const double begin = ProcessorSeconds();
      // The models name their columns in one order for all worlds.
      EXPECT_THAT(session_->Execute(fmt::format("INSERT INTO {} BY NAME {}", model.name,
                                                Sql(model.file, model.sql, "2024-01-01", "2024-01-02"))),
                  IsOk())
          << model.name;
      seconds[model.name] = ProcessorSeconds() - begin;
    }
    return seconds;
  }
};

TEST_P(AdversarialTest, WorkGrowsWithTheRows) {
  Fill(GetParam(), Rows() / kTimes);
  const auto small = MakeAll();
  Fill(GetParam(), Rows());
  for (const auto& [model, seconds] : MakeAll()) {
    EXPECT_LT(seconds, kGrowthMax * small.at(model) + kNoiseSeconds) << model << ", " << small.at(model) << " s before";
  }
}

INSTANTIATE_TEST_SUITE_P(Template, AdversarialTest, ::testing::ValuesIn(Worlds()), [](const auto& param) {
  std::string name = param.param.name;
  std::erase(name, ',');
  std::ranges::replace(name, ' ', '_');
  return name;
});

// The slow and obvious twin of dwd_impression's attribution: every outcome against every impression.
constexpr const char* kTwin = R"(
SELECT s.event_id, COUNT(o.event_id) AS outcomes
FROM dwd_user_action s
LEFT JOIN (
  SELECT outcome.event_id, arg_max(shown.event_id,
    {'same': CASE WHEN shown.request_id = outcome.request_id THEN 1 ELSE 0 END, 't': shown.event_time,
     'p': shown.log_partition, 'o': shown.log_offset}) AS shown_id
  FROM dwd_user_action outcome JOIN dwd_user_action shown ON shown.event_name = 'feed_impression'
    AND shown.user_key = outcome.user_key AND shown.post_key IS NOT NULL
    AND (shown.post_key = outcome.post_key
      OR (outcome.post_key IS NULL AND outcome.event_name IN ('follow', 'hide') AND shown.author_key = outcome.author_key))
    AND outcome.event_time >= shown.event_time AND outcome.event_time < shown.event_time + INTERVAL 24 HOUR
    AND (outcome.request_id IS NULL OR shown.request_id IS NULL OR outcome.request_id = shown.request_id)
  WHERE outcome.event_name IN ('post_click', 'like', 'dwell', 'follow', 'hide')
  GROUP BY outcome.event_id
) o ON o.shown_id = s.event_id
WHERE s.event_name = 'feed_impression' AND s.user_key IS NOT NULL AND s.post_key IS NOT NULL
  AND s.event_time >= TIMESTAMPTZ '2024-01-02 00:00:00+00' AND s.event_time < TIMESTAMPTZ '2024-01-03 00:00:00+00'
GROUP BY s.event_id
)";

TEST_F(TemplateTest, AttributionIsThatOfTheSlowTwin) {
  for (int seed = 0; seed < 20; ++seed) {
    NewSession();
    CreateTables();
    // A dwell of 1 ms an outcome, so that dwell_ms counts outcomes.
    ASSERT_THAT(session_->Execute(fmt::format(
                    "INSERT INTO dwd_user_action (event_id, event_name, event_time, user_key, post_key, author_key, "
                    "request_id, dwell_ms, log_partition, log_offset) SELECT 'e' || i, "
                    "CASE WHEN h % 2 = 0 THEN 'feed_impression' ELSE 'dwell' END, "
                    "TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL (h // 7 % 144 * 30) MINUTE, h // 1000 % 2, "
                    "h // 3000 % 3, 0, CASE WHEN h // 9000 % 3 > 0 THEN 'r' || (h // 27000 % 4) END, 1, 0, i "
                    "FROM (SELECT i, (hash(i, {}) >> 2)::BIGINT AS h FROM range(200) rows(i))",
                    seed)),
                IsOk());
    const Model* model = project_.Find("dwd_impression");
    auto made = session_->Query("SELECT event_id, dwell_ms FROM (" +
                                Sql(model->file, model->sql, "2024-01-02", "2024-01-03") + ") ORDER BY 1 NULLS LAST");
    auto twin = session_->Query(std::string("SELECT * FROM (") + kTwin + ") ORDER BY 1 NULLS LAST");
    ASSERT_THAT(made, IsOk());
    ASSERT_THAT(twin, IsOk());
    ASSERT_FALSE(made->rows.empty());
    EXPECT_EQ(made->rows, twin->rows) << "seed " << seed;
  }
}

}  // namespace
}  // namespace feedmill::warehouse
