#!/usr/bin/env python3
"""Nights as people have them: on the first day, with events that land meanwhile, two at once, without a server, by themselves, and a rebuild
beside a running server."""

import datetime
import fcntl
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from local_platform import FEEDMILL, Checks, Platform, free_port  # noqa: E402

WAIT_SECONDS_MAX = 240
HELD_SECONDS = 1.5


def post(number: int) -> dict:
    return {"type": "track", "event": "post_create", "userId": f"author{number % 7}", "messageId": f"post{number}",
            "properties": {"post_id": f"p{number}", "text_length": 12 + number % 50, "topic": "tea"}}


def act(number: int, name: str = "like") -> dict:
    return {"type": "track", "event": name, "userId": f"u{number % 30}", "messageId": f"{name}{number}", "properties": {"post_id": f"p{number % 40}"}}


def first_day(platform: Platform) -> None:
    platform.batch([post(n) for n in range(40)] + [act(n, name) for n in range(40) for name in ("post_view", "like", "post_click")] + [act(n) for n in range(40, 80)])


def rows(platform: Platform, table: str, where: str = "true") -> int:
    return platform.query(f"SELECT COUNT(*) AS n FROM {table} WHERE {where}")[0]["n"]


def day_one(checks: Checks, platform: Platform) -> None:
    """200 events of today and `feedmill run`, nothing else: the server is found whatever its port."""
    first_day(platform)
    figures = platform.verb("run")
    checks.equal("the first run on the first day succeeds", figures["state"], "succeeded")
    checks.equal("every event of today is in it", rows(platform, "dwd_user_action"), 200)
    again = platform.verb("run", "--no-train")
    checks.equal("a second run on the same day goes on from there", again["state"], "succeeded")
    unknown = platform.try_verb("run", "--resume", "run-nope")
    checks.check("--resume of a run that is not there names those that are", unknown.returncode == 1 and figures["run"] in unknown.stderr, unknown.stderr)
    done = platform.try_verb("run", "--resume", figures["run"])
    checks.check("--resume of a run that succeeded says so", done.returncode == 1 and "succeeded" in done.stderr, done.stderr)


def hopeless(checks: Checks, platform: Platform) -> None:
    """A run that fails for a cause in the project: the message says what to do, and that the same again does not help."""
    model = platform.project / "warehouse/dws/dws_post_daily.sql"
    good = model.read_text()
    model.write_text(good.replace("SELECT", "SELECT no_such_column,", 1))
    platform.batch([act(n, "share") for n in range(5)])
    failed = platform.try_verb("run", "--no-train")
    checks.check("it says to begin a new run", failed.returncode == 1 and "begin a new run" in failed.stderr and "no_such_column" in failed.stderr, failed.stderr[-1500:])
    model.write_text(good)
    checks.equal("mended, a new run makes what is left", platform.verb("run", "--no-train")["state"], "succeeded")


def events_meanwhile(checks: Checks, platform: Platform) -> None:
    """Events land between all steps of a nightly; those of the run are those that were there when it began."""
    stop = threading.Event()
    count = [0]

    def send() -> None:
        other = Platform.__new__(Platform)
        other.__dict__.update(platform.__dict__, connection=None)
        while not stop.is_set():
            other.batch([post(1000 + count[0])] + [act(5000 + 10 * count[0] + n, name) for n in range(3) for name in ("like", "comment")])
            other.land()
            count[0] += 1
            time.sleep(0.05)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        while count[0] < 2:
            time.sleep(0.05)
        figures = platform.try_verb("run", "--until", "now")
    finally:
        stop.set()
        sender.join()
    checks.check(f"a nightly with {count[0]} landings meanwhile succeeds", figures.returncode == 0 and count[0] > 10, figures.stderr[-3000:])
    platform.verb("run", "--no-train", "--until", "now")
    checks.equal("the next one has all of them", rows(platform, "dwd_user_action", "event_name = 'comment'"), rows(platform, "ods_event", "event = 'comment'"))
    checks.equal("no user is there twice", platform.query("SELECT COUNT(*) - COUNT(DISTINCT user_id) AS n FROM dim_user")[0]["n"], 0)


def start_run(platform: Platform, *more: str) -> subprocess.Popen:
    command = [str(word) for word in platform.command("run", "--no-train", "--until", "now", *more)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)


def wait_for(condition, what: str):
    begin = time.monotonic()
    while time.monotonic() - begin < WAIT_SECONDS_MAX:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise RuntimeError(f"{what}: not within {WAIT_SECONDS_MAX} s")


def status(platform: Platform) -> dict:
    return json.loads(platform.try_verb("status", "--json").stdout.strip().splitlines()[-1])


def niceness(pid: int) -> int:
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[16])


def steps_of(run: int) -> list[int]:
    return [int(child) for task in pathlib.Path(f"/proc/{run}/task").iterdir() for child in (task / "children").read_text().split()]


def gives_way(checks: Checks, platform: Platform, run: int) -> None:
    """Feeds come first: the run and its steps are ten steps of nice(1) below the server."""
    wanted = min(19, niceness(platform.process.pid) + 10)
    step = wait_for(lambda: steps_of(run), "a step works")[0]
    checks.equal("the run and its steps give way to the server", (niceness(run), niceness(step)), (wanted, wanted))


def shown(platform: Platform) -> dict:
    """The newest run, as the console shows it."""
    return platform.good("GET", "/v1/admin/runs?limit=1", None, "admin")["runs"][0]


def night_shown(platform: Platform) -> dict:
    return platform.good("GET", "/v1/admin/status", None, "admin")["nightly"]


def two_at_once(checks: Checks, platform: Platform) -> None:
    platform.batch([act(20000 + n, "share") for n in range(20)])
    first = start_run(platform)
    wait_for(lambda: status(platform)["work"] and status(platform)["last_run"]["state"] == "running", "the first run works")
    gives_way(checks, platform, first.pid)
    checks.equal("the console shows a run that was started by hand", (shown(platform)["state"], night_shown(platform)["running"]), ("running", True))
    for verb in ("run", "rebuild"):
        refused = platform.try_verb(verb, *(["--yes"] if verb == "rebuild" else []))
        checks.check(f"`{verb}` beside it is refused and says who", refused.returncode == 1 and f"process {first.pid}" in refused.stderr and "`feedmill run`" in refused.stderr, refused.stderr)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    checks.check("a killed run is interrupted and not running", status(platform)["last_run"]["state"] == "interrupted", status(platform)["last_run"])
    checks.equal("the console says so too", (shown(platform)["state"], night_shown(platform)["running"]), ("interrupted", False))
    next_run = platform.try_verb("run", "--no-train", "--until", "now")
    checks.check("nothing is left of its lock", next_run.returncode == 0, next_run.stderr[-2000:])
    states = {row["state"] for row in platform.good("GET", "/v1/admin/runs", key="admin")["runs"]}
    checks.check("no run is running for ever", "running" not in states and "interrupted" in states, states)


def without_server(checks: Checks, platform: Platform) -> None:
    """Acknowledged, not landed, and the server is gone: the run brings it in."""
    platform.batch([act(30000 + n, "hide") for n in range(9)])
    platform.process.kill()
    platform.process.wait()
    platform.stop()
    refused = platform.try_verb("import", "/dev/null")
    checks.check("import says at once that no server answers", refused.returncode == 1 and "feedmill up" in refused.stderr, refused.stderr)
    platform.verb("run", "--no-train", "--until", "now")
    checks.equal("what was acknowledged is in the tables", rows(platform, "dwd_user_action", "event_name = 'hide'"), 9)
    checks.check("status knows that no server runs", status(platform)["server"] is None)


def hold(*paths: pathlib.Path) -> list:
    """The locks of a feedmill that works in the folder, as another process has them, for a while."""
    files = [open(path, "a") for path in paths]
    for file in files:
        fcntl.flock(file, fcntl.LOCK_EX) if file.name.endswith("/lock") else fcntl.lockf(file, fcntl.LOCK_EX)
    threading.Timer(HELD_SECONDS, lambda: [file.close() for file in files]).start()
    return files


def busy_folder(checks: Checks, platform: Platform) -> None:
    """A run meets a server that is about to start, and a server a run that brings the log in alone: both wait instead of failing."""
    data = platform.project / "data"
    hold(data / "lock")
    begin = time.monotonic()
    run = platform.try_verb("run", "--no-train", "--until", "now")
    checks.check("a run waits for a server that does not answer yet", run.returncode == 0 and time.monotonic() - begin > HELD_SECONDS, run.stderr[-2000:])
    refused = hold(data / "lock")
    second = platform.try_verb("up")
    checks.check("without a run a second server is refused", second.returncode == 1 and "another feedmill" in second.stderr, second.stderr)
    [file.close() for file in refused]
    hold(data / "lock", data / "work.lock")
    begin = time.monotonic()
    platform.start()
    checks.check("a server waits for a run that brings the log in", time.monotonic() - begin > HELD_SECONDS, time.monotonic() - begin)


def refused_import(checks: Checks, platform: Platform) -> None:
    wrong = platform.project / "wrong.jsonl"
    wrong.write_text("".join(json.dumps({"type": "track", "event": "lik", "userId": "u1", "messageId": f"w{n}"}) + "\n" for n in range(3)))
    done = platform.try_verb("import", wrong)
    checks.check("an import of which all was refused fails and says why", done.returncode == 1 and "all 3 events were refused" in done.stderr, done.stderr)
    pipe = platform.project / "pipe.jsonl"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(wrong.read_text(),), daemon=True)
    writer.start()
    through = platform.try_verb("import", pipe)
    writer.join(5)
    checks.check("an import reads a pipe", "all 3 events were refused" in through.stderr, through.stderr)


def rebuild_beside(checks: Checks, platform: Platform) -> None:
    """A rebuild that fails its check changes nothing and stops nobody; one that succeeds is put in place beside the running server."""
    def counts() -> dict:
        return {table: rows(platform, table) for table in platform.tables() if not table.startswith("ods_")}

    piped = platform.try_verb("rebuild")
    checks.check("on a pipe it wants --yes", piped.returncode == 1 and "--yes" in piped.stderr, piped.stderr)
    before = counts()
    rules = platform.project / "warehouse/checks/dwd_post.dqdl"
    good = rules.read_text()
    rules.write_text("Rules = [\n  RowCount > 1000000\n]\n")
    failed = platform.try_verb("rebuild", "--yes")
    rules.write_text(good)
    checks.check("the failed rebuild says that nothing changed", failed.returncode == 1 and "as before" in failed.stderr and "RowCount" in failed.stderr, failed.stderr[-1500:])
    checks.equal("and nothing did", counts(), before)
    platform.restart()
    checks.check("the server starts and serves", "items" in platform.feed("u1"))
    figures = platform.verb("rebuild", "--yes")
    checks.equal("beside a server the live state stays its own", figures["live_state"], False)
    after = counts()
    checks.equal("the same tables with the same rows", after, before)
    checks.check("the server goes on", "items" in platform.feed("u1"))
    checks.equal("the next run believes the rebuilt tables", platform.verb("run", "--no-train", "--until", "now")["state"], "succeeded")


def sandbox(checks: Checks, platform: Platform) -> None:
    for sql in ("SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM read_text('/etc/hostname')", "SELECT * FROM glob('/etc/*')",
                f"SELECT * FROM read_text('{platform.project.resolve()}/data/secrets/keys.toml')"):
        done = platform.try_verb("query", sql)
        checks.check(f"{sql[:40]}... is refused", done.returncode == 1 and done.stdout == "", done.stdout + done.stderr)
    begin = time.monotonic()
    slow = platform.try_verb("query", "--time", "2s", "SELECT COUNT(*) FROM range(100000000) a, range(100000000) b")
    checks.check("a query has a time limit", slow.returncode == 1 and "longer than 2s" in slow.stderr and time.monotonic() - begin < 60, slow.stderr)
    checks.check("the lake is read", rows(platform, "dwd_user_action") > 200)


def by_itself(checks: Checks, platform: Platform) -> None:
    """The nightly of a running server; stopped in the middle it goes on after the start."""
    platform.stop()
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=70)
    platform.settings = (f"nightly.at={soon:%H:%M}",)
    platform.start()
    night = status(platform)["server"]["nightly"]
    checks.check("status shows the next night", (night["next"] or "").startswith(f"{soon:%Y-%m-%dT%H:%M}"), night)
    before = status(platform)["last_run"]["id"]
    wait_for(lambda: status(platform)["last_run"]["id"] != before, "the night has begun")
    platform.stop()
    stopped = status(platform)["last_run"]
    checks.check("a stopping server stops its night", stopped["state"] in ("stopped", "interrupted"), stopped)
    platform.start()
    done = wait_for(lambda: (lambda run: run["state"] == "succeeded" and run)(status(platform)["last_run"]), "the night is done")
    checks.equal("after the start the same run went on", done["id"], stopped["id"])


def main() -> None:
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="feedmill-nights-") as folder:
        platform = Platform(pathlib.Path(folder) / "app", "landing.interval=1h", "nightly.at=")
        try:
            platform.start()
            for part in (day_one, hopeless, events_meanwhile, two_at_once, without_server):
                checks.part(part, checks, platform)
            checks.part(busy_folder, checks, platform)
            for part in (refused_import, sandbox, rebuild_beside, by_itself):
                checks.part(part, checks, platform)
        finally:
            platform.stop()
    checks.finish()


if __name__ == "__main__":
    main()
