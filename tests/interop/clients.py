#!/usr/bin/env python3
"""Published Segment clients against our server: clients.py NODE_FOLDER (where @segment/analytics-node is installed).

What they send must be found again in ods_event, field by field; what they are refused they must understand. Runs in the virtual
environment of `tools/setup.sh interop`; BUILD is the build folder.
"""

import concurrent.futures
import datetime
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from local_platform import Checks, Platform  # noqa: E402
from segment.analytics.client import Client  # noqa: E402
from segment.analytics.request import APIError, post  # noqa: E402

ROUNDS_MAX = 30
LOAD_BYTES = 7_000


def messages(prefix: str, time_text: str) -> list[dict]:
    """Two messages of every type, with texts that encoders get wrong."""
    context = {"app": {"name": "probe", "version": "1.2"}, "locale": "de-DE", "screen": {"width": 390, "height": 844}}
    kinds = [
        {"type": "track", "event": "like", "properties": {"post_id": "p1", "author_id": "a1", "position": 3, "scene": "home"}},
        {"type": "track", "event": "search", "properties": {"query": 'Bücher "quoted" \\ 😀 \u2028 end'}},
        {"type": "identify", "traits": {"country": "DE", "topics": ["music", "art"], "age": 33}},
        {"type": "identify", "traits": {"country": "FR"}},
        {"type": "page", "name": "Home", "properties": {"url": "http://localhost/?a=1&b=2", "depth": 0.25, "flags": {"beta": True}}},
        {"type": "page", "name": "Profil €", "properties": {}},
        {"type": "screen", "name": "Feed", "properties": {"tab": "following", "list": [1, 2.5, "x"]}},
        {"type": "screen", "name": "Post", "properties": {"post": 12}},
        {"type": "group", "groupId": "g1", "traits": {"name": "Choir", "members": 12}},
        {"type": "group", "groupId": "g2", "traits": {}},
        {"type": "alias", "previousId": "anonymous-7"},
        {"type": "alias", "previousId": "anonymous-8"},
    ]
    made = []
    for number, kind in enumerate(kinds):
        message = {**kind, "messageId": f"{prefix}-{number}", "userId": f"user-{number}", "timestamp": time_text, "context": context}
        if kind["type"] != "alias":
            message["anonymousId"] = f"anonymous-{number}"
        made.append(message)
    return made


def send_with_python(message: dict, client: Client) -> None:
    arguments = {
        "user_id": message["userId"], "context": dict(message["context"]), "message_id": message["messageId"],
        "timestamp": datetime.datetime.fromisoformat(message["timestamp"].replace("Z", "+00:00")),
    }
    if message["type"] == "alias":
        return client.alias(previous_id=message["previousId"], **arguments)
    arguments["anonymous_id"] = message["anonymousId"]
    for name, wanted in (("event", "event"), ("name", "name"), ("properties", "properties"), ("traits", "traits"), ("group_id", "groupId")):
        if wanted in message:
            arguments[name] = message[wanted]
    return getattr(client, message["type"])(**arguments)


def send_with_node(folder: pathlib.Path, url: str, key: str, batch: list[dict]) -> list[dict]:
    done = subprocess.run(["node", folder / "send.mjs", url, key], input=json.dumps(batch), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])["errors"]


def wanted_properties(message: dict) -> dict:
    extras = {name: message[name] for name in ("name", "groupId", "previousId") if name in message}
    return {**message.get("properties", message.get("traits", {})), **extras}


def compare(checks: Checks, platform: Platform, client: str, sent: list[dict]) -> None:
    """Every field that was sent is in ods_event; the client's own additions (context.library) may be there besides."""
    platform.land()
    found = {row["event_id"]: row for row in platform.query("SELECT * FROM ods_event")}
    for message in sent:
        name = f"{client}: {message['type']} {message['messageId']}"
        row = found.get(message["messageId"])
        if row is None:
            checks.check(f"{name} is in ods_event", False, f"only {sorted(found)[:40]}")
            continue
        context = json.loads(row["context"])
        seen = {
            "type": row["type"], "event": row["event"], "user": row["user_id"], "anonymous": row["anonymous_id"],
            "properties": json.loads(row["properties"]), "context": {key: context.get(key) for key in message["context"]},
            "time": row["original_time"][:23],
        }
        wanted = {
            "type": message["type"], "event": message.get("event"), "user": message["userId"], "anonymous": message.get("anonymousId"),
            "properties": wanted_properties(message), "context": message["context"], "time": message["timestamp"][:23],
        }
        checks.equal(f"{name} unchanged", {k: seen[k] for k in wanted}, wanted)
        checks.check(f"{name} names its library", bool(context.get("library", {}).get("name")), context)


def now_text() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def check_python(checks: Checks, platform: Platform) -> None:
    url = f"http://127.0.0.1:{platform.port}"
    for gzip in (False, True):
        failures = []
        sent = messages(f"python-{'gzip' if gzip else 'plain'}", now_text())
        client = Client(platform.keys["write"], host=url, gzip=gzip, on_error=lambda error, items: failures.append(str(error)))
        for message in sent:
            send_with_python(message, client)
        client.flush()
        client.shutdown()
        checks.equal(f"python, gzip {gzip}: no failure", failures, [])
        compare(checks, platform, "python", sent)


def check_node(checks: Checks, platform: Platform, folder: pathlib.Path) -> None:
    sent = messages("node", now_text())
    errors = send_with_node(folder, f"http://127.0.0.1:{platform.port}", platform.keys["write"], sent)
    checks.equal("node: no failure", errors, [])
    compare(checks, platform, "node", sent)


def check_wrong_key(checks: Checks, platform: Platform, folder: pathlib.Path) -> None:
    url = f"http://127.0.0.1:{platform.port}"
    failures = []
    client = Client("no-such-key", host=url, on_error=lambda error, items: failures.append(error), max_retries=2)
    client.track("user-1", "like", {"post_id": "p1"})
    client.flush()
    client.shutdown()
    checks.check("python: a wrong key is an error for the caller", len(failures) == 1 and "401" in str(failures[0]), failures)
    errors = send_with_node(folder, url, "no-such-key", messages("node-wrong", now_text())[:1])
    checks.check("node: a wrong key is an error for the caller", len(errors) == 1 and "401" in errors[0]["reason"], errors)


def check_bad_request(checks: Checks, platform: Platform) -> None:
    begin = time.monotonic()
    try:
        post(platform.keys["write"], host=f"http://127.0.0.1:{platform.port}", batch=[])
        checks.check("python: an empty batch is refused", False, "it was taken")
    except APIError as error:
        checks.equal("python: an empty batch is a 400 for the caller", error.status, 400)
    checks.check("python: a 400 is not tried again", time.monotonic() - begin < 5)


def overloaded(platform: Platform) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{platform.port}/metrics") as reply:
        return int(float(re.search(r"^feedmill_collect_overloaded_total (\S+)", reply.read().decode(), re.MULTILINE).group(1)))


def check_overload(checks: Checks, platform: Platform) -> None:
    """More at once than the log's queue takes: 429 with Retry-After, the clients come again, and all of it is there once."""
    url = f"http://127.0.0.1:{platform.port}"
    failures, sent = [], 0

    def one_client(number: int) -> int:
        client = Client(platform.keys["write"], host=url, on_error=lambda error, items: failures.append(str(error)), max_retries=50)
        for i in range(50):
            client.page(f"user-{number}", name="load", properties={"text": "x" * LOAD_BYTES}, message_id=f"load-{number}-{i}")
        client.flush()
        client.shutdown()
        return 50

    for round_number in range(ROUNDS_MAX):
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            sent += sum(pool.map(one_client, range(12 * round_number, 12 * round_number + 12)))
        if overloaded(platform) > 0:
            break
    checks.check("overload: the server answered 429", overloaded(platform) > 0, f"none in {ROUNDS_MAX} rounds")
    checks.equal("overload: the clients gave up on nothing", failures, [])
    platform.land()
    rows = platform.query("SELECT count(*) AS n, count(DISTINCT event_id) AS d FROM ods_event WHERE event_id LIKE 'load-%'")[0]
    checks.equal("overload: everything is there, once", rows, {"n": sent, "d": sent})


def main() -> None:
    node_folder = pathlib.Path(sys.argv[1])
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="feedmill-clients-") as folder:
        platform = Platform(pathlib.Path(folder) / "app", "log.queue_bytes_max=1MiB", "log.commit_delay_max=1s")
        try:
            platform.start()
            checks.part(check_python, checks, platform)
            checks.part(check_node, checks, platform, node_folder)
            checks.part(check_wrong_key, checks, platform, node_folder)
            checks.part(check_bad_request, checks, platform)
            checks.part(check_overload, checks, platform)
        finally:
            platform.stop()
    checks.finish()


if __name__ == "__main__":
    main()
