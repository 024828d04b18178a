#!/usr/bin/env python3
"""What one more day costs after 30, 60 and 90 days of equal volume: `history.py [--days 30,60,90] [--events 20k] [--binary FILE]`.

History is built in bulk, each day received on its day and all of them made by one nightly; then three nights are measured. The figures
are CPU seconds, which other work on the machine moves less than wall time. Models are not trained. The last line is one JSON object.
"""

import argparse
import base64
import datetime
import json
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import urllib.request

from loop import rows_of
from servers import BUILD, RESULTS, WORK, Feedmill

START = datetime.date(2026, 1, 5)
NIGHTS = 3
COMMITS = 100  # as many as pass between two merges of manifests, which one of them pays
TICKS_PER_S = 100


def world_file(users: int, days: int) -> pathlib.Path:
    file = WORK / "history-world.toml"
    file.write_text(
        f"seed = 1\n[size]\nusers = {users}\nnew_users = 0\nauthors = {max(20, users // 8)}\nhistory_days = {days}\nlive_hours = 1.0\n"
        f"[supply]\nposts_per_author_day = 1.0\n[demand]\nsessions_per_user_day = 0.8\nfeeds_per_session = 1.5\n[graph]\nfollows_per_user = 6.0\n"
    )
    return file


def split_by_day(file: pathlib.Path, days: int) -> list[int]:
    """Writes <file>.<day> for each day; returns how many events each has."""
    outs = [open(f"{file}.{day}", "w") for day in range(days)]
    counts = [0] * days
    with open(file) as lines:
        for line in lines:
            at = line.index('"timestamp":"') + len('"timestamp":"')
            day = min(days - 1, max(0, (datetime.date.fromisoformat(line[at : at + 10]) - START).days))
            outs[day].write(line)
            counts[day] += 1
    for out in outs:
        out.close()
    return counts


class Days:
    """A project that receives one day after another."""

    def __init__(self, binary: pathlib.Path, events: pathlib.Path, folder: pathlib.Path):
        self.server = Feedmill(folder, "clock.source=driven", f"clock.start={START}T00:00:00Z", binary=binary)
        self.events = events

    def post(self, path: str, key: str, body: dict) -> dict:
        request = urllib.request.Request(f"{self.server.url}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        token = self.server.keys[key]
        basic = "Basic " + base64.b64encode(f"{token}:".encode()).decode()
        request.add_header("Authorization", f"Bearer {token}" if key == "admin" else basic)
        with urllib.request.urlopen(request, timeout=900) as reply:
            return json.loads(reply.read() or b"{}")

    def receive(self, day: int) -> None:
        self.post("/v1/admin/clock", "admin", {"now": f"{START + datetime.timedelta(days=day + 1)}T00:00:00Z"})
        self.call("import", f"{self.events}.{day}", "--url", self.server.url)
        self.post("/v1/admin/land", "admin", {})

    def call(self, *arguments) -> dict:
        command = [str(self.server.binary), *[str(a) for a in arguments], "--project", str(self.server.project)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(f"history: `{' '.join(command)}` failed: {done.stdout[-1500:]}{done.stderr[-1500:]}")
        return json.loads(done.stdout.strip().splitlines()[-1])

    def night(self, day: int) -> dict:
        """The nightly after this day: CPU seconds of all its processes, by step too."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        until = f"{START + datetime.timedelta(days=day + 1)}T00:00:00Z"
        run = self.call("run", "--no-train", "--until", until, "--url", self.server.url)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        report = json.loads((self.server.project / "data/runs" / f"{run['run']}.json").read_text())
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {"cpu_s": cpu, "wall_s": run["seconds"], "steps": {step["name"]: step["cpu_seconds"] for step in report["steps"]}}

    def server_cpu_s(self) -> float:
        fields = pathlib.Path(f"/proc/{self.server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def commit_cpu_ms(self) -> float:
        """Server's CPU of landing one event, a commit of its own."""
        before = self.server_cpu_s()
        for number in range(COMMITS):
            self.post("/v1/track", "write", {"userId": "probe", "event": "app_open", "messageId": f"probe-{number}"})
            self.post("/v1/admin/land", "admin", {})
        return (self.server_cpu_s() - before) / COMMITS * 1000


def measure(binary: pathlib.Path, events: pathlib.Path, length: int) -> dict:
    folder = WORK / f"history-{length}"
    days = Days(binary, events, folder)
    for day in range(length):
        days.receive(day)
    bulk = days.night(length - 1)
    nights = []
    for day in range(length, length + NIGHTS):
        days.receive(day)
        nights.append(days.night(day))
    commit = days.commit_cpu_ms()
    days.server.stop()
    shutil.rmtree(folder, ignore_errors=True)
    steps = {name: round(statistics.median(night["steps"].get(name, 0) for night in nights), 2) for name in nights[0]["steps"]}
    print(f"history: {length} days: night {[round(n['cpu_s'], 2) for n in nights]} CPU s, commit {commit:.1f} ms", file=sys.stderr)
    return {
        "days": length,
        "bulk_cpu_s": round(bulk["cpu_s"], 2),
        "night_cpu_s": round(statistics.median(n["cpu_s"] for n in nights), 2),
        "night_wall_s": round(statistics.median(n["wall_s"] for n in nights), 2),
        "commit_cpu_ms": round(commit, 1),
        "steps_cpu_s": steps,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", default="30,60,90")
    parser.add_argument("--events", default="20k", help="of one day")
    parser.add_argument("--binary", type=pathlib.Path, default=BUILD / "bin/feedmill")
    arguments = parser.parse_args()
    lengths = sorted(int(text) for text in arguments.days.split(","))
    WORK.mkdir(parents=True, exist_ok=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    last = lengths[-1] + NIGHTS
    world = world_file(max(100, rows_of(arguments.events) // 16), last)
    events = WORK / "history.jsonl"
    subprocess.run(
        [arguments.binary, "simulate", "history", "--world", world, "--start", str(START), "--out", events], check=True, stdout=subprocess.DEVNULL
    )
    counts = split_by_day(events, last)
    events.unlink()
    rows = [measure(arguments.binary, events, length) for length in lengths]
    for day in range(last):
        pathlib.Path(f"{events}.{day}").unlink()
    result = {
        "bench": "history",
        "events_per_day": round(statistics.mean(counts)),
        "events_last_to_first": round(statistics.mean(counts[-NIGHTS:]) / statistics.mean(counts[:NIGHTS]), 2),
        "lengths": rows,
        "night_ratio": round(rows[-1]["night_cpu_s"] / rows[0]["night_cpu_s"], 2),
        "commit_ratio": round(rows[-1]["commit_cpu_ms"] / max(0.1, rows[0]["commit_cpu_ms"]), 2),
    }
    if arguments.binary == BUILD / "bin/feedmill":
        (RESULTS / "history.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
