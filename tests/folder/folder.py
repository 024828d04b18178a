#!/usr/bin/env python3
"""A project is copied by `cp`, moved by `mv`, forked while it runs, restored, and loses its metadata store.

Whatever is done to a copy, the original's bytes stay; a copy has its own rows and works when the original is gone. Then bits are flipped
in files of every kind: a query either answers what it answered before or names the file.
"""

import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from local_platform import FEEDMILL, Checks, Platform  # noqa: E402
from lost_parts import lost_parts  # noqa: E402

SETTINGS = ("clock.source=driven", "feed.budget=10s", "landing.interval=1h", "nightly.attempts_max=1")
LATER = "2026-01-09T12:00:00Z"
FLIPS_A_KIND = 8


def at(folder: pathlib.Path, original: Platform) -> Platform:
    """The project that lies in `folder`; it was not made by `init`."""
    platform = Platform.__new__(Platform)
    platform.__dict__.update(original.__dict__)
    platform.project, platform.process, platform.connection = folder, None, None
    return platform


def bytes_of(platform: Platform) -> dict:
    """Hash of every file of the data folder."""
    data = platform.project / "data"
    return {str(p.relative_to(data)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(data.rglob("*")) if p.is_file()}


def rows(platform: Platform, table: str = "ods_event") -> int:
    return platform.query(f"SELECT count(*) AS n FROM {table}")[0]["n"]


def contents(platform: Platform) -> dict:
    found = {}
    for table in platform.tables():
        done = platform.try_verb("query", "--format", "csv", "--rows", "0", f"SELECT * FROM {table}")
        if done.returncode:
            raise RuntimeError(f"{table}: {done.stderr}")
        found[table] = hashlib.sha256("\n".join(sorted(done.stdout.splitlines())).encode()).hexdigest()
    return found


def send(platform: Platform, name: str, count: int) -> None:
    for number in range(count):
        platform.batch([{"type": "track", "messageId": f"{name}-{number}", "event": "like", "userId": "u000001", "properties": {"post_id": "p0000001"}}])


def names_folder(platform: Platform, folder: pathlib.Path) -> list[str]:
    """Current metadata files that name `folder`."""
    store = sqlite3.connect(f"file:{platform.project}/data/meta.db?mode=ro", uri=True)
    pointers = [pointer for (pointer,) in store.execute("SELECT metadata_location FROM lake_table")]
    store.close()
    return [p for p in pointers if f"{folder}/data" in (platform.project / "data/lake" / p).read_text()]


def live(platform: Platform) -> None:
    platform.start()
    history = platform.simulate("history", "--start", "2026-01-05")
    platform.nightly(history["until"])
    platform.set_clock(LATER)
    platform.stop()


def writes_alone(checks: Checks, how: str, copy: Platform, original: Platform | None) -> None:
    """The copy takes events and a rebuild; the original's bytes stay."""
    before = bytes_of(original) if original else {}
    old = rows(copy)
    plan = copy.try_verb("plan", "--until", "2026-01-08")
    checks.check(f"{how}: nothing has to be made again", plan.returncode == 0 and not any(line.startswith("dwd_user_action") and "interval" in line for line in plan.stdout.splitlines()), plan.stdout + plan.stderr)
    copy.start()
    copy.set_clock(LATER)
    answer = copy.feed("u000001")
    checks.check(f"{how}: feeds come from the bundle", bool(answer["bundle"]) and len(answer["items"]) > 0, answer)
    send(copy, how.replace(" ", "-"), 20)
    copy.land()
    copy.stop()
    checks.equal(f"{how}: its own rows", rows(copy), old + 20)
    copy.verb("rebuild", "--yes")
    checks.equal(f"{how}: its rows after a rebuild", rows(copy), old + 20)
    if original:
        after = bytes_of(original)
        changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
        checks.equal(f"{how}: the original is as it was", changed, [])
        checks.equal(f"{how}: no table names the original's folder", names_folder(copy, original.project), [])


def copied(checks: Checks, platform: Platform, place: pathlib.Path) -> None:
    before = contents(platform)
    subprocess.run(["cp", "-r", platform.project, place / "copy"], check=True)
    copy = at(place / "copy", platform)
    writes_alone(checks, "a copy", copy, platform)
    checks.equal("the original's tables", contents(platform), before)
    identity = [json.loads((p.project / "data/identity.json").read_text()) for p in (platform, copy)]
    checks.check("a copy has an identity of its own", identity[0]["id"] != identity[1]["id"] and identity[1]["origin"] == identity[0]["id"], identity)


def moved(checks: Checks, platform: Platform, place: pathlib.Path) -> None:
    before = contents(platform)
    subprocess.run(["mv", platform.project, place / "moved"], check=True)
    there = at(place / "moved", platform)
    checks.equal("a moved project has its tables", contents(there), before)
    writes_alone(checks, "a moved project", there, None)
    checks.equal("no table of a moved project names where it was", names_folder(there, platform.project), [])
    checks.check("nothing appeared where it was", not platform.project.exists())
    subprocess.run(["mv", there.project, platform.project], check=True)


def restored(checks: Checks, platform: Platform, place: pathlib.Path) -> None:
    """A backup made while the server runs and takes events; the original is lost."""
    platform.start()
    platform.set_clock(LATER)
    sent: list[int] = []
    stop = threading.Event()
    twin = at(platform.project, platform)
    twin.process = platform.process

    def sends() -> None:
        while not stop.is_set():
            twin.batch([{"type": "track", "messageId": f"during-{len(sent)}", "event": "like", "userId": "u000002", "properties": {"post_id": "p0000002"}}])
            sent.append(len(sent))

    thread = threading.Thread(target=sends)
    thread.start()
    while len(sent) < 10:
        time.sleep(0.01)
    acknowledged = len(sent)
    done = subprocess.run([FEEDMILL, "fork", platform.project, place / "backup"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    stop.set()
    thread.join()
    platform.land()
    platform.stop()
    checks.check("a running project is forked", done.returncode == 0, done.stderr)
    lost = platform.project.rename(place / "lost")
    backup = at(place / "backup", platform)
    backup.start()
    backup.set_clock(LATER)
    backup.land()
    backup.stop()
    during = backup.query("SELECT count(*) AS n, count(DISTINCT event_id) AS d FROM ods_event WHERE event_id LIKE 'during-%'")[0]
    checks.check("a backup has every event acknowledged before it, once", acknowledged <= during["n"] <= len(sent) and during["n"] == during["d"], (acknowledged, during, len(sent)))
    writes_alone(checks, "a restored backup", backup, None)
    checks.equal("no table of a backup names the original's folder", names_folder(backup, platform.project), [])
    lost.rename(platform.project)


def forked_with_links(checks: Checks, platform: Platform, place: pathlib.Path) -> None:
    done = subprocess.run([FEEDMILL, "fork", "--links", platform.project, place / "links"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    checks.check("fork --links", done.returncode == 0 and json.loads(done.stdout.splitlines()[-1])["linked"] > 10, done.stdout + done.stderr)
    writes_alone(checks, "a fork with links", at(place / "links", platform), platform)


def refused(checks: Checks, platform: Platform, place: pathlib.Path) -> None:
    """Copies that would share the original's files."""
    before = bytes_of(platform)
    subprocess.run(["cp", "-rl", platform.project, place / "hard"], check=True)
    answer = at(place / "hard", platform).try_verb("up")
    checks.check("a copy of hard links is refused", answer.returncode == 1 and "feedmill fork" in answer.stderr, answer.stderr)
    subprocess.run(["cp", "-r", platform.project, place / "linked"], check=True)
    shutil.rmtree(place / "linked/data/lake")
    (place / "linked/data/lake").symlink_to(platform.project / "data/lake")
    answer = at(place / "linked", platform).try_verb("up")
    checks.check("a copy whose lake is a link is refused", answer.returncode == 1 and "is a link to" in answer.stderr, answer.stderr)
    checks.equal("what was refused changed nothing", bytes_of(platform), before)
    shutil.rmtree(place / "hard")
    unfinished = place / "unfinished"
    subprocess.run(["cp", "-r", platform.project, unfinished], check=True)
    (unfinished / "data/fork.unfinished").touch()
    answer = at(unfinished, platform).try_verb("up")
    checks.check("an unfinished fork is refused", answer.returncode == 1 and "did not finish" in answer.stderr, answer.stderr)


def newer(checks: Checks, platform: Platform) -> None:
    store = sqlite3.connect(platform.project / "data/meta.db")
    store.execute("INSERT INTO meta_migration VALUES ('lake/999_of_tomorrow', 'x', 0)")
    store.commit()
    answer = platform.try_verb("up")
    checks.check("a folder of a newer feedmill is refused", answer.returncode == 1 and "lake/999_of_tomorrow" in answer.stderr, answer.stderr)
    store.execute("DELETE FROM meta_migration WHERE name = 'lake/999_of_tomorrow'")
    store.commit()
    store.close()


def lost_store(checks: Checks, platform: Platform) -> None:
    before = contents(platform)
    data = platform.project / "data"
    for name in ("meta.db", "meta.db-wal", "meta.db-shm"):
        (data / name).unlink(missing_ok=True)
    for verb in ("up", "query", "rebuild"):
        answer = platform.try_verb(verb)
        checks.check(f"{verb} without meta.db is refused", answer.returncode == 1 and "feedmill lake recover" in answer.stderr, answer.stderr)
    checks.check("nothing was made in its place", not (data / "meta.db").exists())
    (data / "meta.db").touch()
    answer = platform.try_verb("up")
    checks.check("an empty meta.db is refused", answer.returncode == 1 and "feedmill lake recover" in answer.stderr, answer.stderr)
    figures = platform.verb("lake recover")
    checks.equal("lake recover finds every table", (figures["tables"], figures["tables_lost"]), (len(before), 0))
    checks.equal("recovered tables are equal", contents(platform), before)
    again = platform.try_verb("lake recover")
    checks.check("a whole store is not made again", again.returncode == 1 and "nothing was changed" in again.stderr, again.stderr)
    platform.start()
    platform.set_clock(LATER)
    answer = platform.feed("u000001")
    checks.check("the bundle is live again", bool(answer["bundle"]), answer)
    send(platform, "after-recovery", 5)
    platform.land()
    platform.stop()
    doubles = platform.query("SELECT count(*) AS n FROM (SELECT log_partition, log_offset FROM ods_event GROUP BY ALL HAVING count(*) > 1)")[0]["n"]
    checks.equal("nothing landed twice after the recovery", doubles, 0)
    platform.verb("run", "--url", "", "--until", "2026-01-08", "--no-train")


def flip(path: pathlib.Path, bit: int) -> None:
    """Changes one bit and leaves size and time of change as they were."""
    stat = path.stat()
    with path.open("r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def flips(checks: Checks, platform: Platform) -> None:
    """One bit at a time, over every part of each kind of file that a query reads."""
    draw = random.Random(7)
    lake = platform.project / "data/lake/dwd/dwd_user_action"
    store = sqlite3.connect(f"file:{platform.project}/data/meta.db?mode=ro", uri=True)
    pointer = store.execute("SELECT metadata_location FROM lake_table WHERE name = 'dwd.dwd_user_action'").fetchone()[0]
    store.close()
    metadata = platform.project / "data/lake" / pointer
    document = json.loads(metadata.read_text())
    snapshot = next(s for s in document["snapshots"] if s["snapshot-id"] == document["current-snapshot-id"])
    manifest_list = pathlib.Path(snapshot["manifest-list"])
    sql = "SELECT * FROM dwd_user_action ORDER BY ALL"
    wanted = platform.query(sql)
    data = sorted(lake.rglob("*.parquet"), key=lambda p: p.stat().st_size)[-1]
    manifests = [p for p in (lake / "metadata").glob("*-m*.avro")]
    kinds = {
        "data pages": (data, lambda size: draw.randrange(size // 2)),
        "footer": (data, lambda size: size - 1 - draw.randrange(min(size // 2, 2000))),
        "manifest": (max(manifests, key=lambda p: p.stat().st_mtime_ns), draw.randrange),
        "manifest list": (manifest_list, draw.randrange),
        "metadata": (metadata, draw.randrange),
    }
    for kind, (path, place) in kinds.items():
        said = same = 0
        wrong = []
        for _ in range(FLIPS_A_KIND):
            bit = place(path.stat().st_size) * 8 + draw.randrange(8)
            flip(path, bit)
            done = platform.try_verb("query", "--format", "jsonl", "--rows", "0", sql)
            flip(path, bit)
            if done.returncode:
                said += path.name in done.stderr
                wrong += [] if path.name in done.stderr else [(bit, done.stderr)]
            else:
                equal = [json.loads(line) for line in done.stdout.split("\n") if line] == wanted
                same += equal
                wrong += [] if equal else [(bit, "another answer")]
        checks.check(f"{FLIPS_A_KIND} flips in {kind}: {said} named, {same} harmless", not wrong, wrong)


MADE_AGAIN = ("ods.ods_event", "dwd.dwd_user_action", "ads.ads_sample_ctr", "ads.ads_user_features", "ads.ads_trending")
HARMLESS = "only former versions need it"


def healed(checks: Checks, platform: Platform) -> None:
    """A damaged file of a raw table is written again from the log, one of a derived table by the next nightly."""
    before = contents(platform)
    lake = platform.project / "data/lake"
    good = platform.verb("verify")
    checks.equal("verify finds a whole lake", (good["damaged"], good["damaged_former"], good["without_checksum"]), (0, 0, 0))
    damaged = {}
    for table in ("ods.ods_event", "dwd.dwd_user_action", "dws.dws_user_daily", "ads.ads_sample_ctr"):
        path = newest_of(platform, table, "data", "*.parquet")
        flip(path, path.stat().st_size * 3)
        damaged[table] = path
    found = platform.try_verb("verify")
    named = [path.name for path in damaged.values() if path.name in found.stderr]
    checks.check("verify fails and names each damaged file", found.returncode == 1 and len(named) == len(damaged), found.stderr)
    started = platform.try_verb("query", "SELECT count(event_id) FROM ods_event")
    checks.check("a damaged table is not read", started.returncode == 1 and damaged["ods.ods_event"].name in started.stderr, started.stderr)
    healing = platform.try_verb("verify", "--heal")
    checks.check("verify --heal says what it did", healing.returncode == 0 and "written again from the log" in healing.stderr and "the next `feedmill run`" in healing.stderr, healing.stderr)
    platform.verb("run", "--url", "", "--until", "2026-01-08", "--no-train")
    checks.equal("after healing and a nightly all tables are equal", contents(platform), before)
    left = platform.try_verb("verify")
    figures = json.loads(left.stdout.strip().splitlines()[-1])
    checks.equal("what is left damaged is of former versions, which is no failure", (left.returncode, figures["damaged"], left.stderr.count(": checksum ")), (0, 0, left.stderr.count(HARMLESS)))
    checks.check("and is said", figures["damaged_former"] > 0, figures)


def newest_of(platform: Platform, table: str, part: str, pattern: str) -> pathlib.Path:
    return max((platform.project / "data/lake" / table.replace(".", "/") / part).rglob(pattern), key=lambda path: path.stat().st_mtime_ns)


def newest_manifest(platform: Platform, table: str) -> pathlib.Path:
    return newest_of(platform, table, "metadata", "*-m*.avro")


def pointer_of(platform: Platform, table: str) -> pathlib.Path:
    store = sqlite3.connect(f"file:{platform.project}/data/meta.db?mode=ro", uri=True)
    pointer = store.execute("SELECT metadata_location FROM lake_table WHERE name = ?", (table,)).fetchone()[0]
    store.close()
    return platform.project / "data/lake" / pointer


def current_list(platform: Platform, table: str) -> pathlib.Path:
    document = json.loads(pointer_of(platform, table).read_text())
    return pathlib.Path(next(s for s in document["snapshots"] if s["snapshot-id"] == document["current-snapshot-id"])["manifest-list"])


def healed_metadata(checks: Checks, platform: Platform) -> None:
    """What tells which files a table is, damaged: healed, or the advice that is printed heals when it is followed as it stands."""
    before = contents(platform)
    for kind, place in (("metadata file", pointer_of), ("manifest list", current_list), ("manifest", newest_manifest)):
        heal(checks, platform, f"a damaged {kind} of five tables", [place(platform, table) for table in MADE_AGAIN], before)
    # Keys stand in other tables: these are made again together, by a command that is named.
    heal(checks, platform, "damaged tables of keys", [pointer_of(platform, "dim.dim_user"), newest_of(platform, "dim.dim_post", "data", "*.parquet")], before)


def heal(checks: Checks, platform: Platform, what: str, paths: list[pathlib.Path], before: dict) -> None:
    for path in paths:
        flip(path, path.stat().st_size * 3)
    found = platform.try_verb("verify")
    checks.check(f"{what}: each is found", found.returncode == 1 and all(path.name in found.stderr for path in paths), found.stderr)
    healing = platform.try_verb("verify", "--heal")
    advice = sorted(set(re.findall(r"`(feedmill rebuild [^`]*)`", healing.stderr))) if healing.returncode else []
    checks.check(f"{what}: {'a command is named' if 'keys' in what else 'healed without a hand'}", (healing.returncode, len(advice)) == ((1, 1) if "keys" in what else (0, 0)), healing.stderr)
    for command in advice:
        done = platform.follow(command)
        checks.check(f"{what}: the command that is named works as it stands", done.returncode == 0, done.stderr)
    platform.verb("run", "--url", "", "--until", "2026-01-08", "--no-train")
    checks.equal(f"{what}: every table is as before", contents(platform), before)
    checks.equal(f"{what}: verify finds a whole lake", platform.verb("verify")["damaged"], 0)


def given_up(checks: Checks, platform: Platform) -> None:
    """A raw file is damaged when the log does not have its records any more, and there is no backup."""
    shutil.rmtree(platform.project / "data/log")
    platform.verb("log reset", "--after-landed")
    before = platform.query("SELECT count(*) AS n FROM ods_event")[0]["n"]
    path = newest_of(platform, "ods.ods_event", "data", "*.parquet")
    flip(path, path.stat().st_size * 3)
    healing = platform.try_verb("verify", "--heal")
    advice = re.findall(r"`(feedmill [^`]*)`", healing.stderr)
    checks.check("no second source: a backup is named, and one command", healing.returncode == 1 and "restore a backup of this file" in healing.stderr and len(advice) == 1, healing.stderr)
    done = platform.follow(advice[0])
    given = re.search(r"given up: (\d+) rows", done.stderr)
    checks.check("the command that is named works as it stands", done.returncode == 0 and given, done.stderr)
    checks.check("the file is kept aside", (platform.project / "data/damaged" / path.name).exists())
    after = platform.query("SELECT count(*) AS n, count(event_id) AS ids FROM ods_event")[0]
    checks.equal("the table lacks its rows alone, and is read", after["n"], before - int(given[1]))
    checks.equal("verify finds a whole lake", platform.verb("verify")["damaged"], 0)
    platform.verb("run", "--url", "", "--until", "2026-01-08", "--no-train")


def main() -> None:
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="feedmill-folder-") as folder:
        place = pathlib.Path(folder).resolve()
        platform = Platform(place / "app", *SETTINGS)
        try:
            checks.part(lost_parts, checks, place, SETTINGS)
            checks.part(live, platform)
            checks.part(copied, checks, platform, place)
            checks.part(moved, checks, platform, place)
            checks.part(restored, checks, platform, place)
            checks.part(forked_with_links, checks, platform, place)
            checks.part(refused, checks, platform, place)
            checks.part(newer, checks, platform)
            checks.part(lost_store, checks, platform)
            checks.part(flips, checks, platform)
            checks.part(healed, checks, platform)
            checks.part(healed_metadata, checks, platform)
            checks.part(given_up, checks, platform)
        finally:
            platform.stop()
    checks.finish()


if __name__ == "__main__":
    main()
