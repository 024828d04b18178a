#include "app/router.h"

#include <string>

#include "app/embedded_reference.h"
#include "app/item_writes.h"
#include "serve/feed_errors.h"
#include "serve/item_card.h"
#include "serve/item_lists.h"

namespace feedmill::app {
namespace {

io::HttpResponse Text(int status, std::string body) {
  io::HttpResponse response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  return response;
}

io::HttpResponse NotFoundAnswer() {
  io::HttpResponse response;
  response.status = 404;
  response.body =
      R"({"error":{"message":"there is nothing at this path; allowed: /v1/batch, /v1/track, /v1/feed, /v1/explain/<id>, /v1/similar/<kind>/<id>, /v1/popular/<kind>, /v1/latest/<kind>, /v1/items/<kind>/<id>, /v1/withdrawn/<kind>/<id>, /v1/users/<id>, /console/, /openapi.json, /metrics, /healthz, /readyz"}})";
  return response;
}

// What the feed service answers.
bool IsOfFeeds(const std::string& path) {
  return path == "/v1/feed" || path.starts_with("/v1/explain/") || serve::IsItemList(path);
}

// What apps in browsers use.
bool IsForPages(const std::string& path) { return ingest::Collector::Takes(path) || IsOfFeeds(path); }

// The description of this very API.
io::HttpResponse Reference() {
  for (const EmbeddedPage& page : EmbeddedReference()) {
    if (page.path == "openapi.json") return {.status = 200, .body = std::string(page.content)};
  }
  return NotFoundAnswer();
}

}  // namespace

void Router::Refused(const io::HttpRequest& request, io::HttpResponse* response) const {
  if (IsForPages(request.path)) browsers.LetRead(request, response);
}

void Router::Public(io::HttpRequest&& request, io::HttpResponder&& respond) const {
  if (IsForPages(request.path)) {
    const bool collects = ingest::Collector::Takes(request.path);
    if (auto answer = browsers.AnswerPreflight(request)) return respond(std::move(*answer));
    io::HttpResponder readable = browsers.LetRead(request, std::move(respond));
    return collects ? collector->Handle(std::move(request), std::move(readable))
                    : feed->Handle(std::move(request), std::move(readable));
  }
  if (serve::IsCard(request.path)) {
    return request.method == "GET" ? feed->Handle(std::move(request), std::move(respond))
                                   : WriteItem(std::move(request), std::move(respond));
  }
  if (IsWithdrawal(request.path)) return WriteItem(std::move(request), std::move(respond));
  if (request.path == "/openapi.json") return respond(Reference());
  if (request.path == "/healthz") return respond(Text(200, "ok\n"));
  if (request.path == "/readyz") {
    Health::Answer answer = health->Look();
    return respond(Text(answer.ready ? 200 : 503, std::move(answer.text)));
  }
  if (request.path == "/metrics" && metrics_config.address.empty()) return AnswerMetrics(request, std::move(respond));
  respond(NotFoundAnswer());
}

void Router::WriteItem(io::HttpRequest&& request, io::HttpResponder&& respond) const {
  if (!collector->KnowsWriter(request)) {
    return respond(serve::ErrorResponse(
        {401, "a write key is needed", "Authorization", "none that is known", "the write key as Basic user name"}));
  }
  auto message = AsMessage(std::move(request), *state);
  if (!message) return respond(serve::ErrorResponse(message.error()));
  collector->Handle(std::move(*message), std::move(respond));
}

void Router::Metrics(io::HttpRequest&& request, io::HttpResponder&& respond) const {
  if (request.path == "/metrics") return AnswerMetrics(request, std::move(respond));
  respond(Text(404, "there is nothing at this path; allowed: /metrics\n"));
}

void Router::AnswerMetrics(const io::HttpRequest& request, io::HttpResponder&& respond) const {
  const bool open = metrics_config.access == MetricsAccess::kOpen ||
                    (metrics_config.access == MetricsAccess::kLoopback && io::IsLoopback(request.remote_address));
  if (!open && (!may_read_metrics || !may_read_metrics(serve::ReadKeyOf(request)))) {
    io::HttpResponse refused =
        Text(401, "the read key or the admin token is needed: Authorization: Bearer <key> (metrics.access)\n");
    refused.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"feedmill metrics\"");
    return respond(std::move(refused));
  }
  io::HttpResponse response = Text(200, metrics->PrometheusText());
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  respond(std::move(response));
}

void Router::All(io::HttpRequest&& request, io::HttpResponder&& respond) const {
  const bool console_path =
      request.path.starts_with("/v1/admin/") || request.path == "/console" || request.path.starts_with("/console/");
  if (console_path) return console->Handle(std::move(request), std::move(respond));
  if (request.path == "/") {
    io::HttpResponse to_console;
    to_console.status = 302;
    to_console.headers.emplace_back("Location", "/console/");
    return respond(std::move(to_console));
  }
  Public(std::move(request), std::move(respond));
}

}  // namespace feedmill::app
