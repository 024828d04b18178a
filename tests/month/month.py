#!/usr/bin/env python3
"""The month of disorder: an app lives by the clock twin, with a nightly each night, and everything that life does to a platform happens by seed.

After every night: the run succeeded (or failed for a cause that a person must decide, and the documented way out led on); every acknowledged event
is in dwd_user_action once or the product says why not, with the numbers of our own books; logged features replay equal; feeds stayed within their
budget or said so; memory, disk, files and the night's length stay within bounds; the model's page is worth at least what trending's is.
At the end two real faults are planted (a doubled row, a lost row): each must fail its night.

The last line is one JSON object over all seeds, added to bench/results/month.json with --record.
"""

import argparse
import concurrent.futures
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from app import App, MonthPlatform  # noqa: E402
from disorders import BY_DAY  # noqa: E402
from ledger import Ledger  # noqa: E402
from nights import BY_NIGHT, Night, check_night, plant_faults  # noqa: E402
from world import UTC, World  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURE = ROOT / "tests/fixtures/release-1.tar.xz"
BEGIN = datetime.datetime(2026, 3, 2, tzinfo=UTC)
DAY = datetime.timedelta(days=1)
QUIET_CHANCE = 0.08


def schedule(nights: int, skip: list[str], chance) -> tuple[dict[int, list], dict[int, object], set[int]]:
    """Which disorder comes on which day and night. Each comes at least once; the longer the month, the oftener."""
    by_day: dict[int, list] = {day: [] for day in range(nights)}
    for disorder in [disorder for disorder in BY_DAY if disorder.__name__ not in skip]:
        for _ in range(1 + nights // 10):
            by_day[chance.randrange(1, nights)].append((chance.randrange(24), disorder))
    by_night: dict[int, list] = {day: [] for day in range(nights)}
    places = list(range(1, nights))
    for disorder in [disorder for disorder in BY_NIGHT if disorder.__name__ not in skip]:
        for _ in range(1 + nights // 15):
            by_night[chance.choice(places)].append(disorder)
    quiet = {day for day in range(2, nights) if chance.random() < QUIET_CHANCE}
    if nights >= 20:   # a quiet week: nobody comes, the nights go on
        first = chance.randrange(3, nights - 9)
        quiet |= set(range(first, first + 7))
    return by_day, by_night, quiet


class Month:
    def __init__(self, seed: int, nights: int, folder: pathlib.Path, people: int, skip: list[str]):
        self.seed, self.nights, self.folder = seed, nights, folder
        fixture = FIXTURE if seed % 4 == 0 and FIXTURE.exists() else None
        self.begin = BEGIN
        self.platform = MonthPlatform(folder / "app", BEGIN, fixture)
        self.world = World(seed, people, max(6, people // 6), nights)
        self.ledger = Ledger()
        self.app = App(seed, self.platform, self.world, self.ledger)
        self.by_day, self.by_night, self.quiet = schedule(nights, skip, self.app.random)
        self.findings: list[str] = []       # what must not be
        self.failed = 0
        self.night = Night(self)

    def say(self, text: str) -> None:
        print(f"seed {self.seed} {text}", flush=True)

    def live(self) -> None:
        self.platform.start()
        for day in range(self.nights):
            self.one_day(day)
            self.one_night(day)
        before = len(self.findings)
        plant_faults(self.night)
        for finding in self.findings[before:]:
            self.say(f"planted: FAULT: {finding}")
        self.failed += len(self.findings) > before
        self.platform.stop()

    def one_day(self, day: int) -> None:
        app = self.app
        app.day = day
        begin = self.begin + day * DAY
        share = 0.0 if day in self.quiet else 1.0
        if share == 0:
            self.say(f"day {day}: quiet")
        happenings = sorted(self.by_day[day], key=lambda entry: entry[0])
        if day in self.quiet:
            happenings = [entry for entry in happenings if app.random.random() < 0.3]
        for hour in range(24):
            self.platform.go_to(begin + datetime.timedelta(hours=hour, minutes=app.random.randrange(25, 40)))
            app.hour(share)
            for _, disorder in [entry for entry in happenings if entry[0] == hour]:
                app.disorder = disorder.__name__
                self.platform.go_to(self.platform.now + datetime.timedelta(minutes=2))
                self.say(f"day {day}, hour {hour}: {disorder.__name__}: {disorder(app)}")
                app.disorder = ""
        if day in self.quiet:
            return
        for person in range(app.random.choice([0, 0, 1, 3])):
            self.world.add_person(self.nights)

    def one_night(self, day: int) -> None:
        self.platform.go_to(self.begin + (day + 1) * DAY + datetime.timedelta(minutes=20))
        happenings = self.by_night[day]
        before = len(self.findings)
        begin = time.monotonic()
        self.night.live(day, happenings)
        self.night.seconds = time.monotonic() - begin
        check_night(self.night, day)
        self.failed += len(self.findings) > before
        for finding in self.findings[before:]:
            self.say(f"night {day}: FAULT: {finding}")

    def figures(self) -> dict:
        worth = {scene: sum(found) / len(found) if found else 0 for scene, found in self.app.page_worth.items()}
        latencies = sorted(self.app.feed_ms)
        account = self.night.account
        return {
            "seed": self.seed, "nights": self.nights, "nights_failed": self.failed, "events": len(self.ledger.events),
            "lost": len(account.lost), "duplicated": len(account.duplicated), "unexplained": len(account.unexplained),
            "waiting": account.waiting, "counts": self.ledger.counts(), "refused": dict(self.ledger.refused), "sent_again": self.ledger.repeated,
            "feeds": self.app.feeds, "feeds_degraded": self.app.feeds_degraded, "feed_p99_ms": round(latencies[int(len(latencies) * 0.99)], 1) if latencies else 0,
            "features_replayed": self.night.features_replayed, "page_worth_model": round(worth["home"], 4), "page_worth_trending": round(worth["trending"], 4),
            "night_s_max": round(self.night.seconds_max, 1), "memory_mb_max": self.night.memory_mb_max, "disk_mb": self.night.disk_mb, "findings": self.findings,
        }


def live_one(seed: int, nights: int, people: int, skip: list[str], keep: pathlib.Path | None) -> dict:
    folder = keep / f"seed-{seed}" if keep else pathlib.Path(tempfile.mkdtemp(prefix=f"feedmill-month-{seed}-"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    month = Month(seed, nights, folder, people, skip)
    try:
        month.live()
    except Exception:  # noqa: BLE001 - whatever ends a month is a finding of it
        month.findings.append(traceback.format_exc())
        month.failed += 1
        for finding in month.findings:
            month.say(f"FAULT: {finding}")
    finally:
        month.platform.stop()
        month.night.release()
    figures = month.figures()
    if not keep and not figures["findings"]:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        month.say(f"left at {folder}")
    return figures


def live_all(seeds: range, arguments: argparse.Namespace):
    """The figures of each month as it ends."""
    with concurrent.futures.ProcessPoolExecutor(arguments.jobs) as pool:
        lives = [pool.submit(live_one, seed, arguments.nights, arguments.people, arguments.skip, arguments.keep) for seed in seeds]
        for life in concurrent.futures.as_completed(lives):
            yield life.result()


def add_up(months: list[dict], seconds: float) -> dict:
    total = {name: sum(month[name] for month in months) for name in ("nights", "nights_failed", "events", "lost", "duplicated", "unexplained", "features_replayed")}
    worth = [sum(month[f"page_worth_{scene}"] for month in months) / len(months) for scene in ("model", "trending")]
    return {"seeds": len(months), **total, "feed_p99_ms_max": max(month["feed_p99_ms"] for month in months),
            "model_over_trending": round(worth[0] / worth[1], 2) if worth[1] else None, "findings": sum(len(month["findings"]) for month in months), "seconds": round(seconds)}


def record(path: pathlib.Path, month: dict) -> None:
    """One entry a commit and seed, written as soon as the month is over; the sum over this commit's line stands on top."""
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, text=True).stdout.strip()
    kept = json.loads(path.read_text())["months"] if path.exists() else []
    kept.append({"commit": commit, **month, "findings": len(month["findings"])})
    path.write_text(json.dumps({"total": add_up([{**month, "findings": [0] * month["findings"]} for month in kept], 0), "months": kept}, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="how many months")
    parser.add_argument("--seed", type=int, default=1, help="the first one's seed")
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--people", type=int, default=120)
    parser.add_argument("--keep", type=pathlib.Path, help="folder in which the months' projects stay")
    parser.add_argument("--skip", action="append", default=[], help="a disorder to leave out, to find out about another")
    parser.add_argument("--jobs", type=int, default=1, help="months at the same time")
    parser.add_argument("--record", action="store_true", help="add the figures to bench/results/month.json")
    arguments = parser.parse_args()
    begin = time.monotonic()
    months = []
    for month in live_all(range(arguments.seed, arguments.seed + arguments.seeds), arguments):
        print(json.dumps({key: value for key, value in month.items() if key != "findings"}), flush=True)
        months.append(month)
        if arguments.record:
            record(ROOT / "bench/results/month.json", month)
    total = add_up(months, time.monotonic() - begin)
    bad = total["nights_failed"] or total["findings"]
    if os.environ.get("MONTH_COUNTS"):   # how make test wants it
        print(f"{total['nights'] - total['nights_failed']} passed, {total['nights_failed']} failed")
    print(json.dumps(total), flush=True)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
