#include <algorithm>
#include <new>

#include "base/text_encoding.h"
#include "data/event_id.h"
#include "data/log_positions.h"
#include "ingest/collector_internal.h"

namespace feedmill::ingest {
namespace {

void AppendRejection(size_t index, const BodyMessage& message, std::string* out) {
  *out += out->empty() ? "{" : ",{";
  *out += fmt::format("\"index\":{},\"messageId\":", index);
  AppendJsonString(message.message_id, out);
  *out += ",\"field\":";
  AppendJsonString(message.rejection.field, out);
  *out += ",\"rule\":";
  AppendJsonString(message.rejection.rule, out);
  *out += ",\"reason\":";
  AppendJsonString(message.rejection.reason, out);
  *out += '}';
}

std::string RefusalBody(const Rejection& rejection) {
  std::string body = "{\"success\":false,\"rule\":";
  AppendJsonString(rejection.rule, &body);
  body += ",\"field\":";
  AppendJsonString(rejection.field, &body);
  body += ",\"reason\":";
  AppendJsonString(rejection.reason, &body);
  return body + "}";
}

void AddRetryAfter(Micros retry_after, io::HttpResponse* response) {
  Micros seconds = (retry_after + kMicrosPerSecond - 1) / kMicrosPerSecond;
  response->headers.emplace_back("Retry-After", fmt::format("{}", std::max<Micros>(1, seconds)));
}

}  // namespace

io::HttpResponse RefusalResponse(int status, const Rejection& rejection) {
  io::HttpResponse response;
  response.status = status;
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"feedmill\"");
  response.body = RefusalBody(rejection);
  return response;
}

io::HttpResponse FailureResponse(const Error& error, Micros retry_after) {
  bool overloaded = error.kind() == ErrorKind::kResourceExhausted;
  bool too_large = error.kind() == ErrorKind::kInvalidArgument;
  int status = overloaded ? 429 : too_large ? 413 : 503;
  auto response = RefusalResponse(status, {error.message(), "",
                                           overloaded  ? "overloaded"
                                           : too_large ? "too_large"
                                                       : "unavailable",
                                           ""});
  if (too_large) return response;
  AddRetryAfter(retry_after, &response);
  // What Segment's library for browsers reads.
  if (overloaded) response.headers.emplace_back("X-RateLimit-Reset", response.headers.back().second);
  return response;
}

void Submission::Submit(Body&& body) {
  single_ = body.single;
  std::vector<Piece> pieces(parts_.log.partitions());
  std::vector<std::shared_ptr<DedupeClaim>> holders;
  Sort(std::move(body), &pieces, &holders);
  for (uint32_t partition = 0; partition < pieces.size(); ++partition) {
    if (!pieces[partition].payloads.empty()) Append(partition, std::move(pieces[partition]));
  }
  for (const auto& holder : holders) {
    ++waiting_;
    holder->WhenSettled([self = shared_from_this()](bool durable) {
      self->Finish(durable
                       ? std::nullopt
                       : std::optional(Error(ErrorKind::kUnavailable, "another request with the same message failed")));
    });
  }
  Finish(std::nullopt);
}

void Submission::Sort(Body&& body, std::vector<Piece>* pieces, std::vector<std::shared_ptr<DedupeClaim>>* holders) {
  std::string event_id;
  for (size_t i = 0; i < body.messages.size(); ++i) {
    BodyMessage& message = body.messages[i];
    Piece& piece = (*pieces)[message.user_hash % pieces->size()];
    if (!message.accepted) {
      if (single_) {
        status_ = 400;
        refusal_ = message.rejection;
      }
      if (rejected_++ < static_cast<uint64_t>(parts_.options.rejections_shown_max))
        AppendRejection(i, message, &rejections_);
      piece.payloads.push_back(std::move(message.payload));
      continue;
    }
    std::shared_ptr<DedupeClaim> holder;
    event_id.clear();
    AppendEventId(body.key->name, message.message_id, &event_id);
    auto finding = parts_.dedupe.Claim(event_id, piece.claim, &holder);
    if (finding == MessageDedupe::Finding::kNew) {
      ++accepted_;
      piece.payloads.push_back(std::move(message.payload));
      continue;
    }
    ++duplicates_;
    // Not known to be durable yet: the answer waits for whoever brings it. Our own pieces are waited for anyway.
    bool ours = std::ranges::any_of(*pieces, [&](const Piece& own) { return own.claim == holder; });
    if (holder && !ours && std::ranges::find(*holders, holder) == holders->end()) holders->push_back(holder);
  }
}

void Submission::Append(uint32_t partition, Piece&& piece) {
  ++waiting_;
  auto done = [self = shared_from_this(), partition, claim = piece.claim,
               count = piece.payloads.size()](Result<LogPosition> first) {
    auto& parts = self->parts_;
    parts.dedupe.Settle(*claim, first.has_value(), parts.clock.Now());
    if (!first) return self->Finish(first.error());
    LogPosition last{partition, first->offset + count - 1};
    parts.settled_end[partition].store(last.offset + 1, std::memory_order_release);
    {
      MutexLock lock(self->mutex_);
      self->positions_.push_back(last);
    }
    self->Finish(std::nullopt);
  };
  Status queued = Ok();
  try {
    queued = parts_.log.Append(partition, std::move(piece.payloads), done);
  } catch (const std::bad_alloc&) {
    queued = Unavailable("no memory for the messages now");
  }
  if (!queued) done(std::unexpected(queued.error()));
}

void Submission::SubmitRefused(const BodyRefusal& refusal, std::string payload) {
  status_ = refusal.status;
  refusal_ = refusal.rejection;
  (refusal.status == 401   ? parts_.metrics.unauthorized
   : refusal.status == 503 ? parts_.metrics.unavailable
                           : parts_.metrics.refused_bodies)
      .Add();
  if (!payload.empty()) {
    Piece piece;
    piece.payloads.push_back(std::move(payload));
    Append(0, std::move(piece));
  }
  Finish(std::nullopt);
}

// One of the things waited for has come; the last one answers.
void Submission::Finish(const std::optional<Error>& error) {
  if (error) {
    MutexLock lock(mutex_);
    failure_ = *error;
  }
  if (waiting_.fetch_sub(1, std::memory_order_acq_rel) == 1) Answer();
}

void Submission::Answer() {
  auto& metrics = parts_.metrics;
  metrics.append_seconds.Observe(static_cast<double>(MonotonicMicros() - started_) / kMicrosPerSecond);
  MutexLock lock(mutex_);
  if (failure_) {
    auto response = FailureResponse(*failure_, parts_.options.retry_after);
    if (response.status == 429) metrics.overloaded.Add();
    if (response.status == 503) metrics.unavailable.Add();
    return responder_(std::move(response));
  }
  metrics.accepted.Add(accepted_);
  metrics.duplicates.Add(duplicates_);
  metrics.rejected.Add(rejected_);
  if (refusal_) {
    auto response = RefusalResponse(status_, *refusal_);
    if (status_ == 503) AddRetryAfter(parts_.options.retry_after, &response);
    return responder_(std::move(response));
  }
  io::HttpResponse response;
  if (strict_ && rejected_ > 0) response.status = 400;
  response.body = AnswerBody();
  responder_(std::move(response));
}

std::string Submission::AnswerBody() const {
  std::string body = strict_ && rejected_ > 0 ? "{\"success\":false" : "{\"success\":true";
  if (std::string positions = Positions(); !positions.empty()) body += fmt::format(",\"position\":\"{}\"", positions);
  body += fmt::format(",\"accepted\":{},\"duplicates\":{},\"rejected_count\":{},\"rejected\":[", accepted_, duplicates_,
                      rejected_);
  return body + rejections_ + "]}";
}

// What to wait for to read one's own writes: the last record of each partition; for duplicates only, all that is
// durable now.
std::string Submission::Positions() const {
  std::vector<LogPosition> positions = positions_;
  if (duplicates_ > 0) {
    positions.clear();
    for (uint32_t partition = 0; partition < parts_.log.partitions(); ++partition) {
      if (uint64_t end = parts_.log.EndOffset(partition)) positions.push_back({partition, end - 1});
    }
  }
  std::ranges::sort(positions);
  return FormatLogPositions(positions);
}

}  // namespace feedmill::ingest
