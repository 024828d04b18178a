#!/usr/bin/env python3
"""The whole loop at size: import, nightly, feeds with ingest beside; the last line is one JSON object.

`loop.py 10M [--days 5] [--memory 1.5GiB] [--again 1GiB] [--keep]`. Events go from the generator to the importer through a pipe and are not kept as a file.
--days 1 is a busy day: half as many users, five times as busy. --memory is that of one nightly step (nightly.memory_bytes_max). --again makes all of it once more from the same events
with that memory, by a rebuild; the time ratio is that of the CPU seconds, which other work on the machine moves less. --short-log lets the log go when it has landed,
before the nightly, as it does a week later: a hundred million events need 45 GB without it and 60 GB in all with it.
"""

import argparse
import base64
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request

from open_loop import Beside, OpenLoop, event_batches, feed_request
from servers import RESULTS, WORK, Feedmill

LOG_GONE_S_MAX = 600
LOG_LEFT_MAX = 1 << 29

FEEDS_PER_S = 100
EVENTS_PER_S = 2000
SECONDS = 30


def rows_of(text: str) -> int:
    units = {"k": 1_000, "m": 1_000_000}
    return int(float(text[:-1]) * units[text[-1].lower()]) if text[-1].lower() in units else int(text)


def world_file(rows: int, days: int) -> tuple[str, int, int]:
    """200,000 users and 500,000 posts at ten million events of five days, 1,000,000 and 5,000,000 at a hundred million of one."""
    users = max(500, rows // (100 if days == 1 else 10 * days))
    authors = max(50, users // 4)
    posts_a_day = 20.0 if days == 1 else 2.0
    sessions = 5.0 if days == 1 else 0.5
    file = WORK / "loop-world.toml"
    file.write_text(
        f"seed = 1\n[size]\nusers = {users}\nnew_users = 0\nauthors = {authors}\nhistory_days = {days}\nlive_hours = 1.0\n"
        f"[supply]\nposts_per_author_day = {posts_a_day}\n[demand]\nsessions_per_user_day = {sessions}\nfeeds_per_session = 1.5\n"
        f"[graph]\nfollows_per_user = 6.0\n"
    )
    return str(file), users, int(authors * posts_a_day * days)


def folder_bytes(folder: pathlib.Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_blocks * 512
            except OSError:
                pass  # removed meanwhile
    return total


class DiskWatch(threading.Thread):
    """Disk used by the data folder and by what spilled, every two seconds."""

    def __init__(self, data: pathlib.Path):
        super().__init__(daemon=True)
        self.data, self.samples, self.ended = data, [], threading.Event()
        self.start()

    def run(self) -> None:
        while not self.ended.wait(2):
            self.samples.append((time.time(), folder_bytes(self.data), folder_bytes(self.data / "tmp")))

    def peak_mb(self, begin: float, end: float) -> dict:
        within = [sample for sample in self.samples if begin - 2 <= sample[0] <= end + 2]
        return {"disk_mb": max((s[1] for s in within), default=0) >> 20, "spilled_mb": max((s[2] for s in within), default=0) >> 20}


def stages(project: pathlib.Path, run: str, disk: DiskWatch) -> dict:
    """Seconds, CPU, memory, disk and number of parts of each step, from the run's record."""
    store = sqlite3.connect(f"file:{project}/data/meta.db?mode=ro", uri=True)
    rows = store.execute("SELECT name, started_at, ended_at, cpu_time, memory_bytes_peak, parts, attempts FROM job_step WHERE run_id = ? ORDER BY place", (run,))
    return {
        name: {"s": round((ended - began) / 1e6, 1), "cpu_s": round(cpu / 1e6, 1), "memory_mb": memory >> 20, "parts": parts, "attempts": attempts}
        | disk.peak_mb(began / 1e6, ended / 1e6)
        for name, began, ended, cpu, memory, parts, attempts in rows
    }


def again(binary: pathlib.Path, project: pathlib.Path, memory: str, by_stage: dict) -> dict:
    """The same tables, models and bundle with another memory."""
    disk = DiskWatch(project / "data")
    begin = time.monotonic()
    rebuilt = last_json([binary, "rebuild", "--project", project, "--dims", "--train", "--yes", "--set", f"nightly.memory_bytes_max={memory}"])
    seconds = time.monotonic() - begin
    disk.ended.set()
    second = stages(project, rebuilt["run"], disk)
    ratio = cpu_s(second) / cpu_s({name: stage for name, stage in by_stage.items() if name in second})
    return {"memory_setting": memory, "nightly_s": round(seconds, 1), "cpu_s": cpu_s(second), "cpu_ratio": round(ratio, 2), "stages": second}


def cpu_s(by_stage: dict) -> float:
    return round(sum(stage["cpu_s"] for stage in by_stage.values()), 1)


def print_stages(by_stage: dict) -> None:
    print(f"{'stage':<22} {'s':>8} {'cpu s':>8} {'memory MB':>10} {'spilled MB':>11} {'parts':>6}", file=sys.stderr)
    for name, stage in sorted(by_stage.items(), key=lambda item: -item[1]["s"]):
        print(f"{name:<22} {stage['s']:8.1f} {stage['cpu_s']:8.1f} {stage['memory_mb']:10} {stage['spilled_mb']:11} {stage['parts']:6}", file=sys.stderr)


def import_stream(binary: pathlib.Path, world: str, project: pathlib.Path, url: str) -> tuple[dict, dict]:
    """What the generator says and what the importer says."""
    pipe = WORK / "loop.pipe"
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    generator = subprocess.Popen([binary, "simulate", "history", "--world", world, "--out", pipe], stdout=subprocess.PIPE, text=True)
    with open(pipe, "rb") as events:
        imported = last_json([binary, "import", "-", "--project", project, "--url", url], stdin=events)
    said, _ = generator.communicate()
    pipe.unlink()
    if generator.returncode != 0:
        sys.exit(f"loop: the generator ended with {generator.returncode}: {said[-2000:]}")
    return json.loads(said.strip().splitlines()[-1]), imported


def let_log_go(server: Feedmill) -> None:
    """An hour goes by, so that what has landed is past its retention."""
    body = json.dumps({"now": "2026-01-10T02:00:00Z"}).encode()
    headers = {"Authorization": "Bearer " + server.keys["admin"], "Content-Type": "application/json"}
    request = urllib.request.Request(server.url + "/v1/admin/clock", body, headers)
    urllib.request.urlopen(request, timeout=60).read()
    log = server.project / "data/log"
    deadline = time.monotonic() + LOG_GONE_S_MAX
    while folder_bytes(log) > LOG_LEFT_MAX:
        if time.monotonic() > deadline:
            sys.exit(f"loop: the log still has {folder_bytes(log) >> 20} MB")
        time.sleep(2)


def last_json(arguments: list, stdin=None) -> dict:
    done = subprocess.run([str(a) for a in arguments], stdin=stdin, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"loop: `{' '.join(str(a) for a in arguments)}` failed: {done.stdout[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", nargs="?", default="10M")
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--memory", default="", help="of one step")
    parser.add_argument("--again", default="", help="memory of one step of a second time")
    parser.add_argument("--short-log", action="store_true", help="what has landed leaves the log before the nightly")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    rows = rows_of(arguments.rows)
    limits = ["--set", f"nightly.memory_bytes_max={arguments.memory}"] if arguments.memory else []
    WORK.mkdir(parents=True, exist_ok=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    world, users, posts = world_file(rows, arguments.days)
    retention = ["retention.log=1h"] if arguments.short_log else []
    server = Feedmill(WORK / "loop", "clock.source=driven", "clock.start=2026-01-10T00:00:00Z", *retention)
    binary, project = server.binary, server.project
    disk = DiskWatch(project / "data")
    history, imported = import_stream(binary, world, project, server.url)
    print(f"loop: {history['events']} events imported", file=sys.stderr)
    log_mb = folder_bytes(project / "data/log") >> 20
    if arguments.short_log:
        let_log_go(server)
    begin = time.monotonic()
    nightly = last_json([binary, "run", "--project", project, "--url", server.url, "--until", history["until"], *limits])
    nightly_s = time.monotonic() - begin
    disk.ended.set()
    by_stage = stages(project, nightly["run"], disk)
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
        "nightly_cpu_s": cpu_s(by_stage),
        "nightly_memory_peak_mb": nightly.get("memory_peak_mb"),
        "memory_setting": arguments.memory or "share of the machine",
        "disk_mb": max((stage["disk_mb"] for stage in by_stage.values()), default=0),
        "spilled_mb": max((stage["spilled_mb"] for stage in by_stage.values()), default=0),
        "log_mb": log_mb,
        "import_s": imported["seconds"],
        "stages": by_stage,
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
    print_stages(by_stage)
    if arguments.again:
        result["again"] = again(binary, project, arguments.again, by_stage)
        print_stages(result["again"]["stages"])
    suffix = f"-{arguments.days}d" if arguments.days != 5 else ""
    suffix += f"-{arguments.memory}" if arguments.memory else ""
    (RESULTS / f"loop-{rows}{suffix}.json").write_text(json.dumps(result, indent=1) + "\n")
    if not arguments.keep:
        shutil.rmtree(WORK / "loop", ignore_errors=True)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
