#!/usr/bin/env python3
"""analytics-next in Chromium against our server: browser_client.py NODE_FOLDER (where @segment/analytics-next is installed).

From an origin that is allowed everything arrives, unchanged; from one that is not, the browser lets nothing out.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from local_platform import Checks, Platform  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent


def browse(platform: Platform, node_folder: pathlib.Path) -> dict:
    command = ["node", HERE / "browser_client.mjs", node_folder, f"http://127.0.0.1:{platform.port}", platform.keys["write"]]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def check_allowed(checks: Checks, platform: Platform, node_folder: pathlib.Path) -> None:
    seen = browse(platform, node_folder)
    checks.equal("an allowed page is blocked nowhere", seen["blocked"], [])
    checks.check("every answer is a good one", bool(seen["answers"]) and all(status in (200, 204) for status, _ in seen["answers"]), seen["answers"])
    platform.land()
    rows = {row["event_id"]: row for row in platform.query("SELECT * FROM ods_event")}
    checks.equal("what the page sent has arrived, once", sorted(message["messageId"] for message in seen["sent"]), sorted(rows))
    checks.equal("by type", sorted(row["type"] for row in rows.values()), ["identify", "page", "track", "track"])
    tracks = sorted(json.loads(row["properties"])["post_id"] for row in rows.values() if row["event"] == "post_click")
    checks.equal("the clicks are of the posts that were clicked", tracks, ["p1", "p2"])
    checks.equal("the user who was named did them", {row["user_id"] for row in rows.values() if row["type"] == "track"}, {"ada"})
    sent = {message["messageId"]: message["anonymousId"] for message in seen["sent"]}
    checks.equal("anonymous ids are unchanged", {event: row["anonymous_id"] for event, row in rows.items()}, sent)
    traits = [json.loads(row["properties"]) for row in rows.values() if row["type"] == "identify"]
    checks.check("traits are unchanged", traits and traits[0].get("topics") == ["music"], traits)


def check_refused(checks: Checks, platform: Platform, node_folder: pathlib.Path) -> None:
    seen = browse(platform, node_folder)
    checks.check("another page is blocked by the browser", bool(seen["blocked"]), seen)
    platform.land()
    tables = platform.tables()
    found = platform.query("SELECT count(*) AS n FROM ods_event")[0]["n"] if "ods_event" in tables else 0
    checks.equal("and nothing of it arrives", found, 0)


def main() -> None:
    node_folder = pathlib.Path(sys.argv[1])
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="feedmill-browser-") as folder:
        for name, settings, check in (("allowed", ['http.allowed_origins=["http://127.0.0.1:*"]'], check_allowed), ("refused", [], check_refused)):
            platform = Platform(pathlib.Path(folder) / name, *settings)
            platform.start()
            try:
                checks.part(check, checks, platform, node_folder)
            finally:
                platform.stop()
    checks.finish()


if __name__ == "__main__":
    main()
