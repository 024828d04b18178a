#!/usr/bin/env python3
"""The whole loop at size: import, nightly, feeds with ingest beside. `loop.py 10M [--keep]`; the last line is one JSON object."""

import base64
import json
import shutil
import subprocess
import sys
import time

from open_loop import Beside, OpenLoop, event_batches, feed_request
from servers import RESULTS, WORK, Feedmill

FEEDS_PER_S = 100
EVENTS_PER_S = 2000
SECONDS = 30


def rows_of(text: str) -> int:
    units = {"k": 1_000, "m": 1_000_000}
    return int(float(text[:-1]) * units[text[-1].lower()]) if text[-1].lower() in units else int(text)


def world_file(rows: int) -> tuple[str, int, int]:
    """200,000 users and 500,000 posts at ten million events, and in proportion."""
    users = max(500, rows // 50)
    authors = max(50, users // 4)
    file = WORK / "loop-world.toml"
    file.write_text(
        f"seed = 1\n[size]\nusers = {users}\nnew_users = 0\nauthors = {authors}\nhistory_days = 5\nlive_hours = 1.0\n"
        f"[supply]\nposts_per_author_day = 2.0\n[demand]\nsessions_per_user_day = 0.5\nfeeds_per_session = 1.5\n[graph]\nfollows_per_user = 6.0\n"
    )
    return str(file), users, authors * 10


def last_json(arguments: list) -> dict:
    done = subprocess.run([str(a) for a in arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"loop: `{' '.join(str(a) for a in arguments)}` failed: {done.stdout[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    rows = rows_of(sys.argv[1] if len(sys.argv) > 1 else "10M")
    WORK.mkdir(parents=True, exist_ok=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    world, users, posts = world_file(rows)
    server = Feedmill(WORK / "loop", "clock.source=driven", "clock.start=2026-01-10T00:00:00Z")
    binary, project = server.binary, server.project
    history = last_json([binary, "simulate", "history", "--world", world, "--out", WORK / "loop.jsonl"])
    print(f"loop: {history['events']} events written to a file; importing", file=sys.stderr)
    imported = last_json([binary, "import", WORK / "loop.jsonl", "--project", project, "--url", server.url])
    begin = time.monotonic()
    nightly = last_json([binary, "run", "--project", project, "--url", server.url, "--until", history["until"]])
    nightly_s = time.monotonic() - begin
    time.sleep(3)
    basic = {"Authorization": "Basic " + base64.b64encode((server.keys["write"] + ":").encode()).decode(), "Content-Type": "application/json"}
    ingest = Beside(server.port, basic, event_batches(users, posts, 100, "loop"), EVENTS_PER_S / 100, SECONDS + 4, 4)
    warm = OpenLoop(server.port, {"Authorization": "Bearer " + server.keys["read"]}, feed_request(users), FEEDS_PER_S, 2)
    warm.run()
    feeds = OpenLoop(server.port, {"Authorization": "Bearer " + server.keys["read"]}, feed_request(users), FEEDS_PER_S, SECONDS)
    feeds.run()
    ingest_failures, ingest_batches = ingest.finish()
    memory = server.memory_peak_mb()
    server.stop()
    result = {
        "bench": "loop",
        "events": history["events"],
        "users": users,
        "posts": posts,
        "import_events_per_s": imported["events_per_s"],
        "rejected": imported["rejected"] + imported["unreadable"],
        "nightly_s": round(nightly_s, 1),
        "nightly_memory_peak_mb": nightly.get("memory_peak_mb"),
        "stages_s": {"import": imported["seconds"], **nightly["steps"]},
        "server_memory_peak_mb": round(memory),
        "feed_p50_ms": feeds.quantile(0.5),
        "feed_p99_ms": feeds.quantile(0.99),
        "feed_failures": feeds.failures,
        "feed_degraded": feeds.degraded,
        "ingest_failures": ingest_failures,
        "ingest_batches": ingest_batches,
        "auc": nightly.get("auc"),
        "ndcg10": nightly.get("ndcg10"),
    }
    for stage, seconds in sorted(result["stages_s"].items(), key=lambda item: -item[1]):
        print(f"{seconds:9.1f} s  {stage}", file=sys.stderr)
    (RESULTS / f"loop-{rows}.json").write_text(json.dumps(result, indent=1) + "\n")
    if "--keep" not in sys.argv:
        shutil.rmtree(WORK / "loop", ignore_errors=True)
    (WORK / "loop.jsonl").unlink()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
