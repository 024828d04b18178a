#!/usr/bin/env python3
"""A small world lives, every table and some feeds are kept, all that is derived is thrown away by `feedmill rebuild`, and what it makes is equal.

The tables came about in two nights and with a live server; the rebuild makes them in one go. It is killed in the middle once, which changes nothing, done with the
raw tables (`--raw --dims`) and, after the log lost its beginning, without them.
"""

import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from local_platform import Checks, Platform  # noqa: E402

SCENES = ["home", "trending", "following", "random"]
LATER = "2026-01-09T12:00:00Z"


def live(platform: Platform) -> None:
    """Two nights of history, then users who live on, with events that are refused, sent twice, late, and taken back; one more night."""
    platform.start()
    history = platform.simulate("history", "--start", "2026-01-05")
    platform.nightly("2026-01-07", "--no-train")
    platform.nightly(history["until"])
    platform.restart()   # with the bundle live from the first feed on; a running server takes it up within a second or so
    platform.simulate("live", "--start", "2026-01-05", "--scene", "home", "--feeds", "60")
    platform.set_clock(LATER)
    for event in [
        {"event": "hide", "userId": "u000030", "properties": {"target_user_id": "u000001"}},
        {"event": "follow", "userId": "u000031", "properties": {"target_user_id": "u000002"}},
        {"event": "unfollow", "userId": "u000031", "properties": {"target_user_id": "u000002"}},
        {"event": "like", "userId": "u000032", "properties": {"post_id": "p0000003"}, "timestamp": "2026-01-06T10:00:00Z"},
        {"event": "no_such_event", "userId": "u000033", "properties": {}},
    ]:
        platform.batch([{"type": "track", "messageId": f"extra-{event['event']}", **event}] * 2)
    platform.nightly("2026-01-09", "--no-train")


def feeds(platform: Platform) -> dict:
    """What some users are shown at one instant; without the ids of the requests."""
    platform.set_clock(LATER)
    users = [f"u{number:06d}" for number in (0, 7, 30, 31, 32, 64, 119)] + ["somebody-new"]
    found = {}
    for user in users:
        for scene in SCENES:
            answer = platform.feed(user, scene=scene)
            found[user, scene] = [answer["items"], answer["degraded"], answer["bundle"], answer["filtered"]]
    return found


def contents(platform: Platform, only: list | None = None) -> dict:
    """Rows and a hash of the sorted rows of every table."""
    found = {}
    for table in only or platform.tables():
        done = platform.try_verb("query", "--format", "csv", "--rows", "0", f"SELECT * FROM {table}")
        if done.returncode:
            raise RuntimeError(f"{table}: {done.stderr}")
        head, *rows = done.stdout.splitlines()
        found[table] = (len(rows), hashlib.sha256("\n".join([head, *sorted(rows)]).encode()).hexdigest())
    return found


def compare_tables(checks: Checks, how: str, before: dict, platform: Platform) -> None:
    after = contents(platform)
    checks.equal(f"{how}: the same tables", sorted(after), sorted(before))
    for table, content in before.items():
        checks.equal(f"{how}: {table} is equal", after.get(table), content)


def compare_feeds(checks: Checks, how: str, before: dict, platform: Platform) -> None:
    platform.start()
    after = feeds(platform)
    platform.stop()
    different = [f"{key}: {before[key]} became {after[key]}" for key in before if before[key] != after[key]]
    checks.check(f"{how}: {len(before)} feeds are equal", not different, "\n".join(different)[:3000])


def kill_in_the_middle(platform: Platform) -> None:
    command = [str(word) for word in platform.command("rebuild", "--raw", "--dims", "--yes")]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
    for line in process.stderr:
        if "the nightly" in line:
            break
    time.sleep(1.0)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def rebuild_raw(checks: Checks, platform: Platform, tables: dict, shown: dict) -> None:
    kill_in_the_middle(platform)
    compare_tables(checks, "after a killed rebuild", tables, platform)
    platform.start()
    checks.check("after a killed rebuild the server serves", len(platform.feed("u000000")["items"]) > 0)
    busy = platform.try_verb("rebuild", "--raw", "--yes")
    checks.check("--raw wants the log for itself", busy.returncode == 1 and "--raw needs the log" in busy.stderr, busy.stderr)
    platform.stop()
    tables["ods_feed_request"] = contents(platform, ["ods_feed_request"])["ods_feed_request"]   # it has that feed now
    figures = platform.verb("rebuild", "--raw", "--dims", "--yes")
    checks.check("the finished rebuild applied events", figures["events_applied"] > 1000, figures)
    compare_tables(checks, "from the log", tables, platform)
    compare_feeds(checks, "from the log", shown, platform)
    tables["ods_feed_request"] = contents(platform, ["ods_feed_request"])["ods_feed_request"]   # it has those feeds now


def rebuild_trimmed(checks: Checks, platform: Platform, tables: dict, shown: dict) -> None:
    """The log's first files are gone, and the checkpoints."""
    segments = sorted((platform.project / "data/log").rglob("*.seg"))
    checks.check("the log has several files", len(segments) > 2, segments)
    segments[0].unlink()
    shutil.rmtree(platform.project / "data/state")
    compare_feeds(checks, "by a start without checkpoint or the log's beginning", shown, platform)
    tables["ods_feed_request"] = contents(platform, ["ods_feed_request"])["ods_feed_request"]   # it has those feeds now
    shutil.rmtree(platform.project / "data/state")
    refused = platform.try_verb("rebuild", "--raw", "--yes")
    checks.check("--raw needs the whole log", refused.returncode == 1 and "begins at record" in refused.stderr, refused.stderr)
    platform.verb("rebuild", "--yes")
    compare_tables(checks, "from the raw tables", tables, platform)
    compare_feeds(checks, "from the raw tables", shown, platform)


def main() -> None:
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="feedmill-rebuild-") as folder:
        platform = Platform(pathlib.Path(folder) / "app", "clock.source=driven", "log.segment_bytes_max=1MiB", "feed.budget=10s")
        try:
            checks.part(live, platform)
            shown = feeds(platform)
            checks.check("feeds were not empty", sum(len(answer[0]) for answer in shown.values()) > 100)
            platform.stop()
            tables = contents(platform)
            checks.check("all tables have rows", len(tables) >= 16 and all(rows > 0 for rows, _ in tables.values()), tables)
            checks.part(rebuild_raw, checks, platform, tables, shown)
            checks.part(rebuild_trimmed, checks, platform, tables, shown)
        finally:
            platform.stop()
    checks.finish()


if __name__ == "__main__":
    main()
