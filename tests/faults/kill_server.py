#!/usr/bin/env python3
"""Kills the server with SIGKILL again and again, while clients send, people look at feeds, nightlies run (and are killed too), models are promoted
and the server looks after its folder. Then compares what it acknowledged with what the warehouse holds.

Prints one JSON line: {"kills":..., "lost":..., "duplicated":..., "ready_s_max":..., "nightlies":..., ...}. Every acknowledged event must be in
dwd_user_action exactly once, whatever the clients sent again after a connection was cut; a last nightly must succeed, the feed must answer
with its model, and every file of the lake must be as it was committed.
"""

import argparse
import datetime
import json
import os
import pathlib
import random
import re
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from beside import Nights, Promoter, Reader, Sender  # noqa: E402
from local_platform import Platform  # noqa: E402

HISTORY_DAYS = 3            # of the simulated world (local_platform.WORLD)
LONG_LIFE_SHARE = 0.1       # of the lives: long enough for everything that a server does beside
LIVE_SECONDS_MAX = 10       # until a promoted bundle answers feeds
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")

# Everything that is done at intervals comes many times, and old is what is some seconds old.
SETTINGS = (
    "nightly.at=", "landing.interval=300ms", "log.segment_bytes_max=1MiB", "stream.checkpoint_interval=1s",
    "maintenance.messages=300ms", "maintenance.snapshots=200ms", "maintenance.keeper=500ms", "maintenance.orphans=500ms", "maintenance.scrub=300ms",
    "retention.log=2s", "retention.snapshots=2s", "retention.snapshots_min=2", "retention.bundles=2s", "retention.bundles_min=3", "retention.runs=2s",
    "retention.runs_min=3", "retention.orphans=5m",
)


class KilledPlatform(Platform):
    """A server that comes back on its port."""

    ready_s_max = ready_cpu_s_max = 0.0

    def start_timed(self) -> None:
        begin = time.monotonic()
        self.start(port=self.port)
        took, cpu = time.monotonic() - begin, cpu_seconds(self.process.pid)
        self.ready_s_max, self.ready_cpu_s_max = max(self.ready_s_max, took), max(self.ready_cpu_s_max, cpu)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.connection = None


def cpu_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS   # utime and stime: proc(5)


def say(text: str) -> None:
    print(f"faults: {text}", file=sys.stderr, flush=True)


def make_history(platform: Platform) -> None:
    """Some days of a simulated app and a first model."""
    start = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=HISTORY_DAYS)
    history = platform.simulate("history", "--system-clock", "--start", f"{start:%Y-%m-%d}")
    night = platform.verb("run", "--until", "now", "--force-promote")
    if not night["promoted"]:
        sys.exit(f"kill_server: no first model: {night}")
    say(f"{history['events']} events of history, first nightly {night['seconds']} s")


def plant_orphan(platform: Platform) -> pathlib.Path:
    """A file that a killed writer left two days ago."""
    file = next((platform.project / "data/lake").rglob("ods_event/data/**/*.parquet"))
    orphan = file.with_name("orphan-" + file.name)
    shutil.copy(file, orphan)
    old = time.time() - 2 * 86400
    os.utime(orphan, (old, old))
    return orphan


def length_of_life(chance: random.Random) -> float:
    return chance.uniform(2, 5) if chance.random() < LONG_LIFE_SHARE else chance.uniform(0.02, 0.8)


def kill_again_and_again(platform: KilledPlatform, beside: list, kills_min: int, chance: random.Random) -> int:
    """At least so often, and until everything beside has happened: a slow machine has slow nights. How often it was."""
    nights, promoter = (next(thread for thread in beside if isinstance(thread, kind)) for kind in (Nights, Promoter))
    kill = 0
    while kill < kills_min or not (nights.succeeded and nights.killed and promoter.promoted and promoter.rolled_back) and kill < 10 * kills_min:
        kill += 1
        time.sleep(length_of_life(chance))
        platform.kill()
        platform.start_timed()
        for thread in beside:
            if thread.failure:
                sys.exit(f"kill_server: {type(thread).__name__}: {thread.failure}")
        if kill % 20 == 0:
            acknowledged = sum(len(thread.acknowledged) for thread in beside if isinstance(thread, Sender))
            say(f"kills {kill}, acknowledged {acknowledged}, nightlies {nights.succeeded} and {nights.killed} killed, "
                f"promotions {nights.promoted + promoter.promoted}, slowest start {platform.ready_s_max:.2f} s, most processor time {platform.ready_cpu_s_max:.2f} s")
    return kill


NEWCOMER = "who-has-seen-nothing"   # the senders' users have seen every post by then


def last_night(platform: Platform) -> None:
    """All is well again: a nightly succeeds, and the feed answers with its model."""
    night = platform.verb("run", "--until", "now", "--force-promote")
    deadline = time.monotonic() + LIVE_SECONDS_MAX
    feed = platform.feed(NEWCOMER)
    while feed["bundle"] != night["bundle"] and time.monotonic() < deadline:
        time.sleep(0.1)
        feed = platform.feed(NEWCOMER)
    if not night["promoted"] or feed["bundle"] != night["bundle"] or feed["degraded"] or not feed["items"]:
        sys.exit(f"kill_server: after the last nightly ({night}) the feed is {feed}")


def maintenance_done(platform: Platform, orphan: pathlib.Path) -> dict[str, int]:
    """How much the server let go, by part."""
    data = platform.project / "data"
    done = {"snapshots": 0, "orphans": 0, "bundles": 0, "runs": 0}
    for part, removed in re.findall(r"retention was over.*part=(\w+)\s+removed=(\d+)", platform.server_log()):
        done[part] = done.get(part, 0) + int(removed)
    # What is no longer there of all that was committed, and before the first record that the log still has.
    for table in (data / "lake").glob("*/*/metadata"):
        newest = max(table.glob("*.metadata.json"), key=lambda path: path.stat().st_mtime)
        metadata = json.loads(newest.read_text())
        done["snapshots"] += metadata["last-sequence-number"] - len(metadata["snapshots"])
    segments = sorted((data / "log").rglob("*.seg"))
    done["log_records"] = int(re.sub(r"\D", "", segments[0].stem) or 0)
    done["orphans"] = 0 if orphan.exists() else done["orphans"]
    return done


def cut_short(platform: Platform) -> list[str]:
    """Files that a kill left half written, and that nobody would ever write again."""
    return [str(path) for path in (platform.project / "data").rglob("*.tmp")]


def rows_per_id(platform: Platform) -> dict[str, int]:
    return {row["event_id"]: row["n"] for row in platform.query("SELECT event_id, CAST(count(*) AS BIGINT) AS n FROM dwd_user_action GROUP BY event_id")}


def live_through_kills(platform: KilledPlatform, arguments: argparse.Namespace) -> dict:
    """The figures."""
    platform.start()
    make_history(platform)
    orphan = plant_orphan(platform)
    senders = [*(Sender(platform, seed) for seed in range(arguments.clients)), Reader(platform, arguments.clients)]
    nights, promoter = Nights(platform, arguments.seed), Promoter(platform, arguments.seed)
    beside = [*senders, nights, promoter]
    for thread in beside:
        thread.start()
    kills = kill_again_and_again(platform, beside, arguments.kills, random.Random(arguments.seed))
    for thread in beside:
        thread.finish()
        if thread.failure:
            sys.exit(f"kill_server: {type(thread).__name__}: {thread.failure}")
    acknowledged = [name for sender in senders for name in sender.acknowledged]
    (arguments.folder / "acknowledged.txt").write_text("\n".join(acknowledged))   # for whoever looks for a lost one
    last_night(platform)
    platform.stop()
    verified = platform.verb("verify")   # fails when a file is damaged
    if cut_short(platform):
        sys.exit(f"kill_server: left for ever: {cut_short(platform)}")
    rows = rows_per_id(platform)
    return {
        "kills": kills, "acknowledged": len(acknowledged),
        "lost": sum(1 for name in acknowledged if name not in rows), "duplicated": sum(1 for count in rows.values() if count > 1),
        "ready_s_max": round(platform.ready_s_max, 3), "ready_cpu_s_max": round(platform.ready_cpu_s_max, 3),
        "nightlies": nights.succeeded, "nightlies_killed": nights.killed, "promotions": nights.promoted + promoter.promoted,
        "rollbacks": promoter.rolled_back, "feeds": senders[-1].feeds, "files_verified": verified["files"], "maintenance": maintenance_done(platform, orphan),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    shutil.rmtree(arguments.folder, ignore_errors=True)
    arguments.folder.mkdir(parents=True)
    platform = KilledPlatform(arguments.folder / "app", *SETTINGS)
    try:
        figures = live_through_kills(platform, arguments)
    finally:
        if platform.process:
            platform.kill()   # of a test that failed, too, nothing goes on in the folder
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
