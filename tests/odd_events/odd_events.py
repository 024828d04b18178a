#!/usr/bin/env python3
"""What ordinary apps send that a simulated world does not: every event that is accepted is in dwd_user_action or is left out for a reason that is
told, and no night fails for it. On the machine's clock, with a project as `feedmill init` makes it."""

import datetime
import json
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from local_platform import Checks, Platform  # noqa: E402

NOW = datetime.datetime.now(datetime.timezone.utc)
SCENES = ["home", "trending", "following", "random"]


def ago(**span) -> str:
    return (NOW - datetime.timedelta(**span)).isoformat()


def track(event: str, user: str | None, properties: dict | None = None, **members) -> dict:
    who = {"userId": user} if user is not None else {"anonymousId": "somebody"}
    return {"type": "track", "event": event, "properties": properties or {}, **who, **members}


def night(checks: Checks, platform: Platform, name: str, *arguments: str) -> dict:
    """One nightly over everything there is; its report."""
    done = platform.try_verb("run", "--url", f"http://127.0.0.1:{platform.port}", "--until", "now", *arguments)
    summary = json.loads(done.stdout.strip().splitlines()[-1]) if done.stdout.strip() else {}
    checks.check(f"the night succeeds: {name}", done.returncode == 0, done.stderr[-1500:])
    report = platform.project / "data/runs" / f"{summary.get('run', '')}.json"
    return json.loads(report.read_text()) if report.exists() else {}


def count(platform: Platform, where: str, table: str = "dwd_user_action") -> int:
    return platform.query(f"SELECT COUNT(*) AS n FROM {table} WHERE {where}")[0]["n"]


def beginnings(checks: Checks, folder: pathlib.Path) -> None:
    """Projects that begin with one kind of event, and one without any."""
    batches = {
        "no event": [],
        "only identify": [{"type": "identify", "userId": "ann", "traits": {"topics": ["tea"]}}],
        "only page": [{"type": "page", "anonymousId": "a", "name": "home"}],
        "only bots": [track("like", "bob", {"post_id": "p1"}, context={"userAgent": "Googlebot/2.1"})],
    }
    platform = Platform(folder)
    platform.start()
    for name, events in batches.items():
        if events:
            platform.batch(events)
        night(checks, platform, name, "--no-train")
    checks.equal("no action of theirs is one", count(platform, "TRUE"), 0)
    platform.stop()


def odd_values(checks: Checks, folder: pathlib.Path) -> None:
    platform = Platform(folder)
    platform.start()
    platform.batch([track("post_create", "ann", {"post_id": "p1", "topic": "tea", "text_length": 10}, timestamp=ago(days=2))]
                   + [track("like", f"u{i}", {"post_id": "p1"}, timestamp=ago(days=1)) for i in range(40)])
    night(checks, platform, "an ordinary day", "--no-train")
    platform.batch([
        track("follow", "ann", {"target_user_id": "bob"}),
        track("unfollow", "ann", {"target_user_id": "bob"}),
        track("follow", "cid", {"target_user_id": "bob"}),
        track("unfollow", "cid", {"target_user_id": "bob"}),
        track("follow", "cid", {"target_user_id": "bob"}),
        track("app_open", None),
        track("post_view", None, {"post_id": "p1"}),
        track("like", "", {"post_id": "p1"}, anonymousId="b"),
        track("post_create", "ann", {"post_id": "p1", "topic": "coffee", "text_length": 11}),
        track("post_create", "bob", {"post_id": "p1", "topic": "milk", "text_length": 12}),
        track("like", "Änne 😀 ‮", {"post_id": "пост-1"}),
        track("search", "안나", {"query": "'; DROP TABLE x; -- \x07 \\ \" |"}),
        track("dwell", "ann", {"post_id": "p1", "dwell_ms": 86400000}),
        track("follow", "ann", {"target_user_id": "ann"}),
        track("hide", "bob", {"target_user_id": "ann"}),
        track("feed_impression", "bob", {"post_id": "p1", "request_id": "r", "position": 0, "scene": "home"}),
        track("post_click", "bob", {"post_id": "p1"}),
        track("like", "bob", {"post_id": "never-created", "author_id": "nobody"}),
        track("like", "far", {"post_id": "p1"}, timestamp=ago(days=40)),
        track("like", "older", {"post_id": "p1"}, timestamp=ago(days=4000)),
        track("like", "oldest", {"post_id": "p1"}, timestamp="0001-01-02T00:00:00Z"),
        track("like", "epoch", {"post_id": "p1"}, timestamp="1970-01-01T00:00:00Z"),
        track("like", "ahead", {"post_id": "p1"}, timestamp=ago(days=-400)),
        track("like", "last", {"post_id": "p1"}, timestamp="9999-12-30T00:00:00Z"),
        {"type": "page", "anonymousId": "a", "name": ""},
        {"type": "group", "userId": "ann", "groupId": "g"},
        {"type": "alias", "userId": "ann2", "previousId": "ann"},
        {"type": "identify", "userId": "u" * 200, "traits": {"topics": [], "age": None}},
    ])
    report = night(checks, platform, "odd values", "--no-train")
    # Far enough back to be nobody's past, events are taken or refused at the door; what was taken is here or waits.
    accepted = platform.query("SELECT COUNT(*) AS n FROM ods_event WHERE event <> ''")[0]["n"]
    waiting = {model["model"]: model for model in report.get("left_out", [])}.get("dwd_user_action", {}).get("rows_ahead", 0)
    checks.equal("every accepted action is a row or waits for its day", count(platform, "TRUE") + waiting, accepted)
    checks.equal("late events of days never made are in", count(platform, "user_id IN ('far', 'older')"), 2)
    checks.equal("a follow taken back at once", count(platform, "user_id = 'ann' AND target_user_id = 'bob' AND is_current", "dwd_user_relation"), 0)
    checks.equal("a follow made again at once", count(platform, "user_id = 'cid' AND is_current", "dwd_user_relation"), 1)
    checks.equal("the first author stays, and only her versions count", count(platform, "author_id = 'ann' AND post_id = 'p1'", "dwd_post"), 2)

    # Past the lookback: told, and brought in by a backfill.
    platform.batch([track("like", f"late{i}", {"post_id": "p1"}, timestamp=ago(days=40)) for i in range(3)])
    report = night(checks, platform, "events of a day made long ago", "--no-train")
    late = {model["model"]: model for model in report.get("left_out", [])}.get("dwd_user_action", {})
    checks.equal("what is left out is counted", (late.get("late_rows"), late.get("late_intervals")), (3, 1))
    shown = json.loads(platform.try_verb("status", "--json").stdout.strip().splitlines()[-1])
    command = f"feedmill backfill --late --project {platform.project}"
    checks.equal("status says what waits, and for what", [(row["late_rows"], row["command"]) for row in shown["left_out"] if row["model"] == "dwd_user_action"], [(3, command)])
    checks.check("and says so to people", "left out  dwd_user_action: 3 rows came too late" in platform.try_verb("status").stdout)
    newest = platform.call("GET", "/v1/admin/runs", key="admin")[1]["runs"][0]
    checks.equal("the console's newest run has it too", [row["command"] for row in newest["left_out"] if row["model"] == "dwd_user_action"], [command])
    night_now = platform.call("GET", "/v1/admin/status", key="admin")[1]["nightly"]
    checks.equal("and its tile", [row["late_rows"] for row in night_now["left_out"] if row["model"] == "dwd_user_action"], [3])
    done = platform.try_verb("backfill", "--url", f"http://127.0.0.1:{platform.port}", "--late", "--no-train")
    checks.check("the backfill succeeds", done.returncode == 0, done.stderr[-1500:])
    checks.equal("and brings it in", count(platform, "user_id LIKE 'late%'"), 3)
    left = platform.call("GET", "/v1/admin/status", key="admin")[1]["nightly"]["left_out"]
    checks.equal("then nothing waits for it", [row for row in left if row["command"]], [])
    platform.stop()


def last_years(checks: Checks, folder: pathlib.Path) -> None:
    """The documented import, of events that are a year old and older, on a project and a clock of today."""
    platform = Platform(folder)
    platform.start()
    lines = []
    for i in range(300):
        lines.append(track("post_create", f"author{i % 20}", {"post_id": f"p{i}", "topic": f"t{i % 5}", "text_length": 100 + i},
                           messageId=f"c{i}", timestamp=ago(days=430 - i // 10)))
    for i in range(3000):
        post = (i * 7) % 300
        event = ["feed_impression", "post_click", "like"][i % 3]
        shown = {"request_id": f"r{i // 10}", "position": i % 10, "scene": "home"} if i % 3 == 0 else {}
        lines.append(track(event, f"u{(i * 13) % 97}", {"post_id": f"p{post}", **shown}, messageId=f"a{i}", timestamp=ago(days=430 - post // 10, minutes=-i)))
    for i in range(200):
        lines.append(track("follow", f"u{i % 97}", {"target_user_id": f"author{i % 20}"}, messageId=f"f{i}", timestamp=ago(days=401, minutes=-i)))
    file = folder / "events.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    sent = platform.verb("import", file, "--url", f"http://127.0.0.1:{platform.port}")
    checks.equal("the import", (sent["accepted"], sent["rejected"]), (len(lines), 0))
    done = platform.try_verb("run", "--url", f"http://127.0.0.1:{platform.port}", "--until", ago(days=390))
    checks.check("run --until the end of the data", done.returncode == 0, done.stderr[-2000:])
    checks.equal("every action is in", count(platform, "TRUE"), len(lines))
    night(checks, platform, "run up to now")
    checks.check("lists of candidates are made", count(platform, "TRUE", "ads_recall_i2i") > 100)
    checks.check("trending is made", count(platform, "topic = 'all'", "ads_trending") > 10)   # how many fall into its days depends on the time of day
    for scene in SCENES:
        answer = platform.feed("u5", scene=scene)
        checks.equal(f"a full page of {scene}", len(answer["items"]), 10)
    # A user who follows nobody has an empty page of those followed, and is told why.
    answer = platform.feed("u-new", scene="following")
    checks.check("an empty page says why", not answer["items"] and any("empty" in part for part in answer["degraded"]), answer["degraded"])
    # A few events of today do not make last year's vanish.
    platform.batch([track("post_create", "author1", {"post_id": f"new{i}", "topic": "t1", "text_length": 5}) for i in range(3)])
    platform.batch([track("like", "u5", {"post_id": "new1"})])
    night(checks, platform, "some events of today")
    for scene in ("home", "trending", "random"):
        checks.equal(f"still a full page of {scene}", len(platform.feed("u6", scene=scene)["items"]), 10)
    platform.stop()


def main() -> None:
    checks = Checks()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="feedmill-odd-"))
    try:
        checks.part(beginnings, checks, folder / "beginnings")
        checks.part(odd_values, checks, folder / "odd")
        checks.part(last_years, checks, folder / "last_years")
    finally:
        if not checks.failed:
            shutil.rmtree(folder, ignore_errors=True)
    checks.finish()


if __name__ == "__main__":
    main()
