#!/usr/bin/env python3
"""/v1/feed open loop at 100 requests/s with 2,000 events/s beside, on the world of the demo (or --world). The last line is JSON."""

import base64
import json
import shutil

from loop import EVENTS_PER_S, FEEDS_PER_S, SECONDS, last_json
from open_loop import Beside, OpenLoop, event_batches, feed_request
from servers import RESULTS, ROOT, WORK, Feedmill

USERS, POSTS = 2000, 3000


def main() -> None:
    WORK.mkdir(parents=True, exist_ok=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    world = str(ROOT / "examples/worlds/social.toml")
    server = Feedmill(WORK / "feed", "clock.source=driven")
    history = last_json([server.binary, "simulate", "history", "--project", server.project, "--url", server.url, "--world", world])
    nightly = last_json([server.binary, "run", "--project", server.project, "--url", server.url, "--until", history["until"]])
    basic = {"Authorization": "Basic " + base64.b64encode((server.keys["write"] + ":").encode()).decode(), "Content-Type": "application/json"}
    bearer = {"Authorization": "Bearer " + server.keys["read"]}
    OpenLoop(server.port, bearer, feed_request(USERS), FEEDS_PER_S, 2).run()
    ingest = Beside(server.port, basic, event_batches(USERS, POSTS, 100, "feed"), EVENTS_PER_S / 100, SECONDS, 4)
    feeds = OpenLoop(server.port, bearer, feed_request(USERS), FEEDS_PER_S, SECONDS)
    feeds.run()
    ingest_failures, _ = ingest.finish()
    server.stop()
    result = {
        "bench": "feed",
        "feeds_per_s": FEEDS_PER_S,
        "events_per_s_beside": EVENTS_PER_S,
        "feed_p50_ms": feeds.quantile(0.5),
        "feed_p99_ms": feeds.quantile(0.99),
        "failures": feeds.failures + ingest_failures,
        "degraded": feeds.degraded,
        "requests": len(feeds.latencies_ms),
        "auc": nightly.get("auc"),
    }
    (RESULTS / "feed.json").write_text(json.dumps(result, indent=1) + "\n")
    shutil.rmtree(WORK / "feed", ignore_errors=True)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
