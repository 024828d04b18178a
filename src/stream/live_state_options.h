// Limits of what the live state keeps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace feedmill::stream {

struct LiveStateOptions {
  int last_actions_max = 64;  // per user
  int seen_max = 5000;        // per user, newest kept
  int recent_posts_per_author_max = 64;
  int fresh_posts_max = 20'000;         // newest posts overall
  int told_topics_max = 16;             // per user, the first ones they told
  size_t field_texts_max = 256;         // of one list, the first ones
  size_t field_values_max = 2'000'000;  // texts and lists that are told apart; one more is as if it were not given
  size_t early_removals_max = 100'000;  // of items whose creation did not come yet; those first heard of go first
  // Memory of all that is kept; what was not touched lately stands in files then and comes back when it is asked for.
  uint64_t memory_bytes_max = 0;  // 0: no bound
  std::string cold_folder = {};   // each state makes a folder of its own in it
};

}  // namespace feedmill::stream
