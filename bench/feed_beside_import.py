#!/usr/bin/env python3
"""/v1/feed open loop beside an import of 10,000-event bodies over 16 connections, and what the feeds cost the import. The last line is JSON.

The import runs all the time; feeds come and go (off on on off ...), so that its speed with and without them is of one run. The importing
client does as it is told by 429. `--project DIR` keeps the prepared project and uses it again.
"""

import argparse
import base64
import http.client
import json
import multiprocessing
import pathlib
import re
import shutil
import statistics
import threading
import time
import urllib.request

from loop import FEEDS_PER_S, last_json
from open_loop import OpenLoop, feed_request
from servers import RESULTS, ROOT, WORK, Feedmill

USERS, POSTS = 2000, 3000
CONNECTIONS, EVENTS = 16, 10_000
PHASE_SECONDS = 8
MARK = b"@@@@@@@@"


def body_template() -> bytes:
    run = time.time_ns()  # a project that is used again has had the messages of the runs before
    events = [
        {
            "type": "track",
            "event": "post_click",
            "messageId": f"{MARK.decode()}-{k}-{run}",
            "userId": f"u{k * 7919 % USERS:06d}",
            "properties": {"post_id": f"p{k * 104729 % POSTS:07d}"},
        }
        for k in range(EVENTS)
    ]
    return json.dumps({"batch": events}).encode()


def import_until(port: int, key: str, stop, sent, slowed) -> None:
    """In a process of its own: `sent` counts bodies that were taken, `slowed` those put off."""
    template = body_template()
    headers = {"Authorization": "Basic " + base64.b64encode((key + ":").encode()).decode(), "Content-Type": "application/json"}

    def work(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        count = 0
        while not stop.is_set():
            body = template.replace(MARK, f"{number:02d}{count:06d}".encode())
            connection.request("POST", "/v1/batch", body, headers)
            reply = connection.getresponse()
            reply.read()
            if reply.status == 200:
                count += 1
                with sent.get_lock():
                    sent.value += 1
            elif reply.status == 429:
                with slowed.get_lock():
                    slowed.value += 1
                stop.wait(int(reply.getheader("Retry-After", "1")))
            else:
                raise SystemExit(f"import: {reply.status}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def prepare(server: Feedmill) -> None:
    world = str(ROOT / "examples/worlds/social.toml")
    history = last_json([server.binary, "simulate", "history", "--project", server.project, "--url", server.url, "--world", world])
    last_json([server.binary, "run", "--project", server.project, "--url", server.url, "--until", history["until"]])


def accepted(server: Feedmill) -> int:
    with urllib.request.urlopen(server.url + "/metrics", timeout=60) as reply:
        text = reply.read().decode()
    return int(float(re.search(r"^feedmill_collect_events_accepted_total (\S+)", text, re.M).group(1)))


def feeds_of(server: Feedmill, seconds: float) -> OpenLoop:
    feeds = OpenLoop(server.port, {"Authorization": "Bearer " + server.keys["read"]}, feed_request(USERS), FEEDS_PER_S, seconds)
    feeds.run()
    return feeds


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--project", default=str(WORK / "feed-beside-import"))
    arguments.add_argument("--rounds", type=int, default=3)
    chosen = arguments.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    project = pathlib.Path(chosen.project)
    project.parent.mkdir(parents=True, exist_ok=True)
    fresh = not (project / "data").exists()
    server = Feedmill(project, "clock.source=driven", fresh=fresh)
    if fresh:
        prepare(server)
    time.sleep(2)
    quiet = feeds_of(server, 5)
    stop, sent, slowed = multiprocessing.Event(), multiprocessing.Value("q", 0), multiprocessing.Value("q", 0)
    importing = multiprocessing.Process(target=import_until, args=(server.port, server.keys["import"], stop, sent, slowed))
    importing.start()
    time.sleep(2)
    rates = {"off": [], "on": []}
    latencies, failures, degraded, answers = [], 0, 0, 0
    for phase in ("off", "on", "on", "off") * chosen.rounds:
        before, begin = accepted(server), time.monotonic()
        if phase == "on":
            feeds = feeds_of(server, PHASE_SECONDS)
            latencies += feeds.latencies_ms
            failures, degraded, answers = failures + feeds.failures, degraded + feeds.degraded, answers + len(feeds.latencies_ms)
        else:
            time.sleep(PHASE_SECONDS)
        rates[phase].append((accepted(server) - before) / (time.monotonic() - begin))
    stop.set()
    importing.join()
    server.stop()
    latencies.sort()
    quantile = lambda q: round(latencies[min(len(latencies) - 1, int(q * len(latencies)))], 2)  # noqa: E731
    pairs = [on / off for on, off in zip(rates["on"], rates["off"])]
    result = {
        "bench": "feed_beside_import",
        "connections": CONNECTIONS,
        "events_a_body": EVENTS,
        "feeds_per_s": FEEDS_PER_S,
        "feed_p50_ms": quantile(0.5),
        "feed_p99_ms": quantile(0.99),
        "feed_max_ms": quantile(1),
        "feed_alone_p99_ms": quiet.quantile(0.99),
        "answers": answers,
        "failures": failures,
        "degraded": degraded,
        "import_events_per_s": round(statistics.median(rates["off"])),
        "import_ratio_beside_feeds": round(statistics.median(pairs), 3),
        "import_ratio_min": round(min(pairs), 3),
        "import_ratio_max": round(max(pairs), 3),
        "slowed": slowed.value,
    }
    (RESULTS / "feed_beside_import.json").write_text(json.dumps(result, indent=1) + "\n")
    if chosen.project == str(WORK / "feed-beside-import"):
        shutil.rmtree(project, ignore_errors=True)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
