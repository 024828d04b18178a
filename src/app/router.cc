#include "app/router.h"

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
      R"({"error":{"message":"there is nothing at this path; allowed: /v1/batch, /v1/track, /v1/feed, /v1/explain/<id>, /console/, /metrics, /healthz, /readyz"}})";
  return response;
}

}  // namespace

void Router::Public(io::HttpRequest&& request, io::HttpResponder&& respond) const {
  if (ingest::Collector::Takes(request.path)) return collector->Handle(std::move(request), std::move(respond));
  if (request.path == "/v1/feed" || request.path.starts_with("/v1/explain/"))
    return feed->Handle(std::move(request), std::move(respond));
  if (request.path == "/healthz") return respond(Text(200, "ok\n"));
  if (request.path == "/readyz") return respond(ready() ? Text(200, "ready\n") : Text(503, "not ready\n"));
  if (request.path == "/metrics") {
    io::HttpResponse response = Text(200, metrics->PrometheusText());
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return respond(std::move(response));
  }
  respond(NotFoundAnswer());
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
