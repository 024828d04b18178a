// Single rows of the raw tables for people who ask the server: the row of an old feed request, the titles of posts. Any
// thread; one question at a time, on an engine of its own with one thread and little memory.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "console/console_service.h"
#include "domain/domain.h"
#include "lake/catalog.h"
#include "query/engine.h"

namespace feedmill::app {

class LakeLookup {
 public:
  // `catalog` outlives it.
  static Result<std::unique_ptr<LakeLookup>> Open(lake::Catalog& catalog, domain::ItemKind shown,
                                                  const std::string& temporary_folder);

  // The document of ods_feed_request with this id, as /v1/explain gives it; empty when no such row has landed. The id
  // says when it was, so that only the files of those hours are read.
  Result<std::string> FeedRow(const std::string& request_id);

  // Titles by item id, of those that have one: the property that the domain calls an item's title, of the event that
  // made it. What was found, and what was not, is kept for the next question.
  Result<std::map<std::string, std::string>> Titles(const std::vector<console::DatedPost>& posts);

 private:
  LakeLookup(lake::Catalog& catalog, domain::ItemKind shown, std::unique_ptr<query::Engine> engine,
             std::unique_ptr<query::Session> session)
      : catalog_(catalog), shown_(std::move(shown)), engine_(std::move(engine)), session_(std::move(session)) {}
  Status ReadTitles(const std::vector<console::DatedPost>& posts) FEEDMILL_REQUIRES(mutex_);

  lake::Catalog& catalog_;
  const domain::ItemKind shown_;
  Mutex mutex_;
  std::unique_ptr<query::Engine> engine_;
  std::unique_ptr<query::Session> session_ FEEDMILL_GUARDED_BY(mutex_);
  std::unordered_map<std::string, std::string> titles_ FEEDMILL_GUARDED_BY(mutex_);  // "" = has none
};

}  // namespace feedmill::app
