"""Parts of a data folder are lost: what refuses names the command that leads out, and that command leads out.

The log holds every record, so that all rows of the raw tables must be there again afterwards, each once."""

import json
import pathlib
import shutil
import signal
import sys
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from local_platform import Checks, Platform  # noqa: E402

RAW = ("ods_event", "ods_event_rejected", "ods_feed_request")
WAY_OUT = "feedmill lake recover --yes"


def like(number: int) -> dict:
    return {"type": "track", "messageId": f"like-{number}", "event": "like", "userId": "u1", "properties": {"post_id": "p1"}}


def live(platform: Platform, first: int) -> None:
    platform.start()
    for number in range(first, first + 20):
        platform.batch([like(number), {"type": "track", "messageId": f"no-{number}", "event": "nobody_knows", "userId": "u1"}])
    platform.feed("u1")
    platform.land()
    platform.stop()


def counts(platform: Platform) -> dict:
    return {table: platform.query(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in RAW}


def current_metadata(platform: Platform, table: str) -> pathlib.Path:
    return pathlib.Path(platform.try_verb("tables", table, "--metadata").stdout.strip().splitlines()[-1])


def lost_metadata(platform: Platform, keep: pathlib.Path) -> str:
    current_metadata(platform, "ods_event_rejected").unlink()
    return "ods.ods_event_rejected"


def lost_table(platform: Platform, keep: pathlib.Path) -> str:
    shutil.rmtree(platform.project / "data/lake/ods/ods_feed_request")
    return "ods.ods_feed_request"


def lost_lake(platform: Platform, keep: pathlib.Path) -> str:
    shutil.rmtree(platform.project / "data/lake")
    return "ods.ods_event"


def older_lake(platform: Platform, keep: pathlib.Path) -> str:
    lost_lake(platform, keep)
    shutil.copytree(keep / "older-lake", platform.project / "data/lake")
    return "ods.ods_event"


def refused_and_recovered(checks: Checks, platform: Platform, how: str, table: str, wanted: dict) -> None:
    meta = platform.project / "data/meta.db"
    for verb in ("up", "lake recover"):
        answer = platform.try_verb(verb)
        named = answer.returncode == 1 and table in answer.stderr and WAY_OUT in answer.stderr
        checks.check(f"{how}: `{verb}` refuses, and names the table and the way out", named, answer.stderr[-600:])
    asked = platform.try_verb("query", f"SELECT count(*) FROM {table.split('.')[1]}")
    checks.check(f"{how}: so does a query", asked.returncode == 1 and table in asked.stderr and WAY_OUT in asked.stderr, asked.stderr)
    before = meta.stat().st_ino
    done = platform.try_verb("lake recover", "--yes")
    checks.equal(f"{how}: the way out leads out", (done.returncode, done.stderr[-600:] if done.returncode else ""), (0, ""))
    aside = [path for path in meta.parent.glob("meta.db.aside-*") if not path.name.endswith(("-wal", "-shm"))]
    checks.equal(f"{how}: the former meta.db is kept", [path.stat().st_ino for path in aside], [before])
    checks.equal(f"{how}: every row is there again, once", counts(platform), wanted)
    platform.start()
    platform.batch([like(1000)])
    platform.land()
    platform.stop()
    checks.equal(f"{how}: and new ones land", counts(platform)["ods_event"], wanted["ods_event"] + 1)


def readiness(platform: Platform) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{platform.port}/readyz", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def damage_while_it_serves(checks: Checks, platform: Platform) -> None:
    document = json.loads(current_metadata(platform, "ods_event").read_text())
    for snapshot in document["snapshots"]:
        pathlib.Path(snapshot["manifest-list"]).unlink(missing_ok=True)
    platform.start(until="/healthz")
    platform.batch([like(2000)])
    try:
        platform.land()
    except RuntimeError:
        pass
    status, text = readiness(platform)
    told = platform.try_verb("status").stdout
    platform.stop()
    checks.check("`status` says why the server is not ready", "not ready" in told and WAY_OUT in told, told)
    checks.check("a landing that fails on damage is not ready", status == 503 and "ods.ods_event" in text and WAY_OUT in text, (status, text))


def lost_wal(checks: Checks, platform: Platform, place: pathlib.Path, wanted: dict) -> None:
    """The folder moves, starts there, is killed, and is copied on without meta.db-wal."""
    before = platform.project
    platform.project = before.rename(place / "parts-moved")
    platform.start()
    platform.process.send_signal(signal.SIGKILL)
    platform.process.wait()
    platform.connection = None
    for suffix in ("-wal", "-shm"):
        (platform.project / f"data/meta.db{suffix}").unlink(missing_ok=True)
    platform.start()
    platform.batch([like(3000)])
    platform.land()
    status, text = readiness(platform)
    platform.stop()
    checks.equal("without meta.db-wal after a move: ready", (status, text.splitlines()[0]), (200, "ready"))
    checks.equal("without meta.db-wal after a move: rows", counts(platform)["ods_event"], wanted["ods_event"] + 1)
    shutil.rmtree(platform.project)
    platform.project = before


def lost_parts(checks: Checks, place: pathlib.Path, settings: tuple[str, ...]) -> None:
    platform = Platform(place / "parts", *settings)
    keep = place / "keep"
    try:
        live(platform, 0)
        shutil.copytree(platform.project / "data/lake", keep / "older-lake")
        live(platform, 100)
        wanted = counts(platform)
        shutil.copytree(platform.project, keep / "project")
        for damage in (lost_metadata, lost_table, lost_lake, older_lake):
            table = damage(platform, keep)
            refused_and_recovered(checks, platform, damage.__name__.replace("_", " "), table, wanted)
            shutil.rmtree(platform.project)
            shutil.copytree(keep / "project", platform.project)
        damage_while_it_serves(checks, platform)
        shutil.rmtree(platform.project)
        shutil.copytree(keep / "project", platform.project)
        lost_wal(checks, platform, place, wanted)
    finally:
        platform.stop()
