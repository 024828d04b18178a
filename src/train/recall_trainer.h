// Vectors of users and posts for the vector channel, from who acted on what.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "query/engine.h"
#include "train/als.h"
#include "train/train_plan.h"

namespace feedmill::train {

// Actions of one user on one post with their time: the weight of the strongest event, not yet decayed.
struct TimedInteraction {
  Interaction interaction;
  Micros time = 0;
};

struct InteractionSet {
  std::vector<std::string> users;  // sorted; an interaction's user is a place in here
  std::vector<std::string> posts;
  std::vector<TimedInteraction> interactions;  // sorted by user, post
  Micros end = 0;                              // where the data ends: ages of interactions are taken from here
  double users_share = 1;                      // of all users: fewer when the plan's memory does not hold them
};

struct RecallResult {
  std::vector<std::string> users;  // those with a vector
  std::vector<std::string> posts;  // those with a vector: posts too new for it are left out
  AlsModel model;                  // rows in the order of `users` and `posts`
  std::map<std::string, double>
      metrics;  // recall100, recall100_popularity, ... on the later slice; empty when it has nothing
  std::vector<std::string> notes;
};

// The session must know `dwd_user_action`. Events before the cut, of the plan's window before the data's end
// (data_end.h). Users that the plan's memory has no room for are left out, the same ones whenever as many fit.
Result<InteractionSet> ReadInteractions(query::Session& session, const AlsPlan& plan, Micros cut);

// Measures on the last share of time with vectors of the part before it, then trains on everything. With fewer than
// plan.interactions_min interactions the result is empty and says so.
Result<RecallResult> TrainRecall(const InteractionSet& set, const AlsPlan& plan,
                                 const std::function<void(double, std::string_view)>& on_progress);

}  // namespace feedmill::train
