#!/usr/bin/env python3
"""Gives Feedmill everything wrong that it may meet and checks what it says; --write renews docs/guides/errors.md from that.

A case is what was done, the real answer, and the parts that the answer must have: the place, what was found, what is allowed. After each
group the server must still take an event and serve a feed.
"""

import dataclasses
import gzip
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from local_platform import FEEDMILL, Checks, Platform, free_port  # noqa: E402

PAGE = ROOT / "docs/guides/errors.md"
MIB = 1 << 20
END_SECONDS_MAX = 30
PROGRESS = re.compile(r' (info|debug) |^\{"auc"|^\[ *\d+/|^step  |^\w+  +failed|^run-|^Candidate|^import  ')  # differs from run to run
ANSWER_LINES_MAX = 12
INTRODUCTION = """# What goes wrong, and what Feedmill says

Every message names the place, what was found and what is allowed. This page is written by `tests/errors/run.sh --write` from the real
answers, and `make test` fails when it differs from them. `myapp` is the project folder; the server runs on port 8080.
"""


@dataclasses.dataclass
class Case:
    title: str
    done: str
    answer: str


class Tour:
    def __init__(self, checks: Checks, folder: pathlib.Path):
        self.checks = checks
        self.folder = folder
        self.groups: list[tuple[str, str, list[Case]]] = []
        self.skipped: list[str] = []

    def group(self, title: str, remark: str = "") -> None:
        self.groups.append((title, remark, []))

    def case(self, title: str, done: str, answer: str, *parts: str) -> None:
        """Every part must be in the answer, which goes onto the page with what differs between runs made equal."""
        for part in parts:
            self.checks.check(f"{title}: says \"{part}\"", part in self.plain(answer), self.plain(answer)[-1500:])
        self.groups[-1][2].append(Case(title, self.plain(done), self.plain(answer)))

    def plain(self, text: str) -> str:
        text = re.sub(re.escape(str(self.folder)) + r"/[\w-]+", "myapp", text)
        text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8080", text)
        text = re.sub(r"127\.0\.0\.1 port \d+|http\.port=\d+", lambda m: re.sub(r"\d+$", "8080", m.group(0)), text)
        text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z( (?:info|warn|error) *)", r"2026-11-22T21:52:06.246Z\1", text)
        text = re.sub(r"(server's clock says |anew as of |run-)\d[\dT:.-]*Z", r"\g<1>2026-11-22T21:52:06.246Z", text)
        text = re.sub(r'"position":"\d+:\d+"', '"position":"0:42"', text)
        text = re.sub(r"\b([0-9a-f]{16}|[0-9a-f]{64})\b", "<hash>", text)
        return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).strip()

    def page(self) -> str:
        text = INTRODUCTION
        for title, remark, cases in self.groups:
            text += f"\n## {title}\n" + (f"\n{remark}\n" if remark else "")
            for case in cases:
                lines = [f"$ {case.done}", *case.answer.split("\n")[:ANSWER_LINES_MAX]]
                text += f"\n{case.title}:\n\n" + "\n".join(f"    {line}".rstrip() for line in lines) + "\n"
        return text


def run_feedmill(*arguments: object, seconds: float = END_SECONDS_MAX) -> subprocess.CompletedProcess:
    command = [str(FEEDMILL), *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=seconds)
    done.stdout += done.stderr  # in the order in which a terminal shows them
    return done


def verb_case(tour: Tour, title: str, arguments: list, *parts: str) -> None:
    """A verb that must fail and end."""
    done = run_feedmill(*arguments)
    tour.checks.check(f"{title}: fails", done.returncode != 0, done.stdout[-1000:])
    shown = " ".join(f"'{a}'" if re.search(r"[ *]|^$", str(a)) else str(a) for a in arguments)
    answer = "\n".join(line for line in done.stdout.split("\n") if not PROGRESS.search(line))
    tour.case(title, f"feedmill {shown}", answer, *parts)


def send(platform: Platform, path: str, body: bytes, key: str | None, method: str = "POST", more: dict | None = None) -> tuple[int, dict, str]:
    connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=30)
    headers = {"Content-Type": "application/json", **(more or {})}
    if key is not None:
        headers["Authorization"] = "Bearer " + key if path == "/v1/feed" else "Basic " + __import__("base64").b64encode(f"{key}:".encode()).decode()
    try:
        connection.request(method, path, body, headers)
    except (BrokenPipeError, ConnectionResetError):
        pass  # refused before all of the body was sent: the answer is there
    reply = connection.getresponse()
    text = reply.read().decode()
    return reply.status, dict(reply.getheaders()), text


def http_case(tour: Tour, platform: Platform, title: str, path: str, body: object, status: int, *parts: str, key: str | None = "write",
              shown: str = "", method: str = "POST", more: dict | None = None) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
    found, headers, text = send(platform, path, data, platform.keys.get(key, key) if key is not None else None, method, more)
    tour.checks.equal(f"{title}: status", found, status)
    tokens = {"write": "-u $WRITE_KEY: ", "read": "-H 'Authorization: Bearer $READ_KEY' ", None: ""}
    credentials = tokens.get(key, f"-u {key}: ")
    verb = "" if method == "POST" else f"-X {method} "
    verb += "".join(f"-H '{name}: {value}' " for name, value in (more or {}).items())
    retry = f"\nRetry-After: {headers['Retry-After']}" if "Retry-After" in headers else ""
    tour.case(title, f"curl {verb}127.0.0.1:8080{path} {credentials}-d '{shown or data.decode()}'", f"{found} {http.client.responses[found]}{retry}\n{text}", *parts)


def serves(tour: Tour, platform: Platform, after: str) -> None:
    """The server is up: it takes an event and answers a feed."""
    platform.track("post_view", "u1", {"post_id": "p1"})
    tour.checks.check(f"after {after} the server takes events and serves feeds", "items" in platform.feed("u1"))


def fresh(tour: Tour, name: str) -> pathlib.Path:
    """A project folder of its own."""
    folder = tour.folder / name
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([FEEDMILL, "init", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


def broken(tour: Tour, name: str, file: str, old: str, new: str) -> pathlib.Path:
    """A project with one fault."""
    folder = fresh(tour, name)
    path = folder / file
    text = path.read_text()
    if old not in text:
        raise RuntimeError(f"{file} of the template no longer has {old!r}")
    path.write_text(text.replace(old, new, 1))
    return folder


def events(tour: Tour, platform: Platform) -> None:
    tour.group("Events that are wrong", "A batch keeps its good events; the bad ones are in `ods_event_rejected` with the reason.")
    like = {"event": "like", "userId": "u1", "properties": {"post_id": "p1"}}
    http_case(tour, platform, "Malformed JSON", "/v1/track", b'{"event":"like","userId":', 400, "malformed_json")
    http_case(tour, platform, "Unknown event", "/v1/track", {**like, "event": "lik"}, 400, "unknown_event", 'found \\"lik\\"', "app_open")
    http_case(tour, platform, "An event that only servers send", "/v1/track", {**like, "event": "post_takedown"}, 400, "not_from_clients", "keys for import")
    http_case(tour, platform, "Wrong type", "/v1/track", {**like, "properties": {"post_id": 7}}, 400, "properties.post_id", "found integer 7", "allowed string")
    http_case(tour, platform, "Missing property", "/v1/track", {**like, "properties": {}}, 400, "properties.post_id")
    http_case(tour, platform, "Unknown property", "/v1/track", {**like, "properties": {"post_id": "p1", "colour": "red"}}, 400, "properties.colour")
    http_case(tour, platform, "A number that nothing can hold", "/v1/track", b'{"event":"like","userId":"u1","properties":{"post_id":"p1","position":1e400}}', 400,
              "number_out_of_range", "properties.position", "found 1e400")
    http_case(tour, platform, "Nobody did it", "/v1/track", {"event": "like", "properties": {"post_id": "p1"}}, 400, "userId", "anonymousId")
    http_case(tour, platform, "A time in the future", "/v1/track", {**like, "timestamp": "2126-01-01T00:00:00Z"}, 400, "timestamp", "found 2126")
    batch = {"batch": [{"type": "track", **like}, {"type": "track", "messageId": "m8", **like, "event": "lik"}, {"type": "hug", "messageId": "m9", "userId": "u1"}]}
    http_case(tour, platform, "A batch with two bad events", "/v1/batch", batch, 200, '"accepted":1', '"rejected_count":2', "unknown_type")
    http_case(tour, platform, "Not a batch", "/v1/batch", {"events": []}, 400, "batch")
    http_case(tour, platform, "Wrong key", "/v1/track", like, 401, "write key", key="no-such-key")
    http_case(tour, platform, "No key", "/v1/track", like, 401, "writeKey", key=None)
    big = json.dumps({"batch": [{"type": "page", "userId": "u1", "properties": {"text": "x" * 10 * MIB}}]}).encode()
    http_case(tour, platform, "A body of 10 MB", "/v1/batch", big, 413, "at most", shown="@10MB.json")
    http_case(tour, platform, "A body of 20 MB", "/v1/batch", big * 2, 413, shown="@20MB.json")
    packed = gzip.compress(json.dumps({"batch": [{"type": "track", **like}]}).encode())
    http_case(tour, platform, "A compressed body without a key", "/v1/batch", packed, 401, "Authorization", key=None, shown="@batch.json.gz", more={"Content-Encoding": "gzip"})
    http_case(tour, platform, "An unknown compression", "/v1/batch", packed, 415, "found 'br'", "allowed gzip", shown="@batch.json.br", more={"Content-Encoding": "br"})
    http_case(tour, platform, "A client that wants refusals to be errors", "/v1/batch?strict=1", batch, 400, '"success":false', '"rejected_count":2')
    same = {**like, "messageId": "m1"}
    http_case(tour, platform, "A new id", "/v1/track", same, 200, '"accepted":1')
    http_case(tour, platform, "The same id again: acknowledged, not kept twice", "/v1/track", same, 200, '"accepted":0', '"duplicates":1')
    http_case(tour, platform, "Another method", "/v1/track", b"", 405, "found GET", "allowed POST", method="GET")
    http_case(tour, platform, "Another path", "/v1/tracks", like, 404, "/v1/track")
    serves(tour, platform, "wrong events")


def feeds(tour: Tour, platform: Platform) -> None:
    tour.group("Feed requests that are wrong")
    http_case(tour, platform, "No scene of that name", "/v1/feed", {"user_id": "u1", "scene": "hom"}, 404, "hom", "home", key="read")
    http_case(tour, platform, "No user", "/v1/feed", {"scene": "home"}, 400, "user_id", key="read")
    http_case(tour, platform, "Too many items", "/v1/feed", {"user_id": "u1", "n": 100000}, 400, "n", "100000", key="read")
    http_case(tour, platform, "Wrong type in a feed request", "/v1/feed", {"user_id": "u1", "n": "ten"}, 400, "n", key="read")
    http_case(tour, platform, "Wrong read key", "/v1/feed", {"user_id": "u1"}, 401, key="no-such-key")
    serves(tour, platform, "wrong feed requests")


def settings(tour: Tour, platform: Platform) -> None:
    tour.group("Half a configuration", "`feedmill up` ends with these; `feedmill config check` reads all files and tells all faults at once.")
    up = lambda folder, *more: ["up", "--project", folder, *more]  # noqa: E731
    verb_case(tour, "A project that is not there", up(tour.folder / "nowhere"), "no feedmill.toml", "feedmill init")
    verb_case(tour, "Broken TOML", up(broken(tour, "syntax", "feedmill.toml", "port = 8080", "port = ")), "myapp/feedmill.toml:5")
    verb_case(tour, "Unknown key", up(broken(tour, "key", "feedmill.toml", "port = 8080", "prot = 8080")), "feedmill.toml:5", "prot", "port")
    verb_case(tour, "Wrong type", up(broken(tour, "type", "feedmill.toml", "port = 8080", 'port = "http"')), "feedmill.toml:5", "http.port", "found", "allowed")
    verb_case(tour, "Out of its limits", up(broken(tour, "limit", "feedmill.toml", '"60s"', '"1ms"')), "feedmill.toml:11", "landing.interval", "allowed")
    verb_case(tour, "A wrong --set", up(fresh(tour, "set"), "--set", "http.prot=1"), "http.prot")
    verb_case(tour, "A page without a scheme", up(fresh(tour, "origin"), "--set", 'http.allowed_origins=["app.example"]'), "app.example", "https://app.example")
    verb_case(tour, "A folder that is not empty", ["init", fresh(tour, "twice")], "myapp: the folder holds", "empty")
    plan = broken(tour, "plan", "events/like.json", '"type": "object"', '"type": "objekt"')
    verb_case(tour, "Broken tracking plan", up(plan), "events/like.json:5", "objekt", "allowed")
    verb_case(tour, "Broken feature", up(feature_fault(tour)), "features/post.toml:", "posts", "allowed")
    verb_case(tour, "Broken feed", up(feed_fault(tour)), "feed/home.toml")
    verb_case(tour, "All faults at once", ["config", "check", "--project", plan], "broken  events/", "ok      feed/")


def feature_fault(tour: Tour) -> pathlib.Path:
    return broken(tour, "feature", "features/post.toml", 'key = "post"', 'key = "posts"')


def feed_fault(tour: Tour) -> pathlib.Path:
    return broken(tour, "feed", "feed/home.toml", "[", "[[", )


def machine(tour: Tour, platform: Platform) -> None:
    tour.group("The machine")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        verb_case(tour, "Port in use", ["up", "--project", fresh(tour, "port"), "--set", f"http.port={taken.getsockname()[1]}"], "port 8080", "in use")
    verb_case(tour, "A second server in one data folder", ["up", "--project", platform.project, "--set", f"http.port={free_port()}"], "another feedmill")
    serves(tour, platform, "a second server")


def short_log(tour: Tour, platform: Platform) -> None:
    """Events landed, then somebody deletes the event log."""
    small = Platform(tour.folder / "short")
    try:
        small.start()
        small.track("post_view", "u1", {"post_id": "p1"})
        small.land()
        small.stop()
        shutil.rmtree(small.project / "data/log")
        tour.group("The event log", "Nothing goes on in silence when the log is shorter than what landed, or damaged where nothing landed "
                   "([how](../formats/event-log.md)).")
        verb_case(tour, "A deleted log", ["up", "--project", small.project], "ends at record 0", "feedmill log reset --after-landed")
        verb_case(tour, "Giving up must be said", ["log", "reset", "--project", small.project], "--after-landed")
        run_feedmill("log", "reset", "--after-landed", "--project", small.project)
        small.start()
        serves(tour, small, "a deleted log")
    finally:
        small.stop()


def folders(tour: Tour, platform: Platform) -> None:
    """Copies of the running project that have lost something, or share something."""
    tour.group("A data folder that is not whole", "Nothing is changed; docs/guides/move-copy-restore.md says more.")
    platform.land()

    def fork(name: str) -> pathlib.Path:
        subprocess.run([FEEDMILL, "fork", platform.project, tour.folder / name], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return tour.folder / name

    lost = fork("lost")
    (lost / "data/meta.db").unlink()
    verb_case(tour, "The metadata store is gone", ["up", "--project", lost], "feedmill lake recover", "meta.db")
    newer = fork("newer")
    with sqlite3.connect(newer / "data/meta.db") as store:
        store.execute("INSERT INTO meta_migration VALUES ('lake/999_of_tomorrow', '', 0)")
    verb_case(tour, "A folder of a newer feedmill", ["up", "--project", newer], "a newer feedmill has changed", "lake/999_of_tomorrow")
    unfinished = fork("unfinished")
    (unfinished / "data/fork.unfinished").touch()
    verb_case(tour, "A copy that was not finished", ["up", "--project", unfinished], "did not finish")
    subprocess.run(["cp", "-rl", fork("whole"), tour.folder / "shared"], check=True)
    verb_case(tour, "A copy that shares its files", ["up", "--project", tour.folder / "shared"], "hard links", "feedmill fork")
    verb_case(tour, "A copy into a folder that is not empty", ["fork", platform.project, newer], "new or empty folder")
    serves(tour, platform, "being copied")


def in_namespace(script: str) -> list[str]:
    """A shell with mounts of its own, which are gone when it ends."""
    return ["unshare", "--mount", "--propagation", "private", "bash", "-euc", script]


def can_mount() -> bool:
    done = subprocess.run(in_namespace("mount -t tmpfs -o size=1m none /mnt"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) if shutil.which("unshare") else None
    return done is not None and done.returncode == 0


def read_only(tour: Tour, platform: Platform) -> None:
    folder = fresh(tour, "readonly")
    (folder / "data").mkdir()
    script = f"mount -t tmpfs -o ro none '{folder}/data'; exec '{FEEDMILL}' up --project '{folder}' --set http.port={free_port()}"
    done = subprocess.run(in_namespace(script), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=END_SECONDS_MAX)
    tour.checks.check("Read-only folder: fails", done.returncode != 0, done.stdout)
    tour.case("Read-only data folder", "feedmill up --project myapp", done.stdout, "myapp/data", "Read-only file system")


def full_disk(tour: Tour, platform: Platform) -> None:
    """The data folder on a small file system: filled up, then freed."""
    small = Platform(tour.folder / "full")
    data = small.project / "data"
    data.mkdir()
    small.port = free_port()
    script = f"mount -t tmpfs -o size=48m none '{data}'; exec '{FEEDMILL}' up --project '{small.project}' --set http.port={small.port}"
    log = open(small.project / "server.log", "wb")
    small.process = subprocess.Popen(in_namespace(script), stdout=log, stderr=log)
    inside = pathlib.Path(f"/proc/{small.process.pid}/root{data}")
    try:
        wait_ready(small)
        lines = (inside / "secrets/keys.toml").read_text().splitlines()
        small.keys = {name: value.strip('"') for name, _, value in (line.partition(" = ") for line in lines)}
        serves(tour, small, "the start on a small disk")
        with open(inside / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"x" * 4096)
            except OSError:
                pass
        body = {"batch": [{"type": "track", "event": "search", "userId": "u1", "properties": {"query": "x" * 900}} for _ in range(20)]}
        http_case(tour, small, "Full disk", "/v1/batch", body, 503, "No space left on device", shown="@batch.json")
        tour.checks.check("while the disk is full feeds are served", "items" in small.feed("u1"))
        (inside / "ballast").unlink()
        tour.checks.check("there is room again: events are taken", comes_back(small))
        serves(tour, small, "a full disk")
    finally:
        small.stop()
        log.close()


def wait_ready(platform: Platform) -> None:
    deadline = time.monotonic() + END_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            if platform.call("GET", "/readyz")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"not ready: {platform.server_log()[-2000:]}")


def comes_back(platform: Platform) -> bool:
    deadline = time.monotonic() + END_SECONDS_MAX
    while time.monotonic() < deadline:
        if platform.call("POST", "/v1/track", {"event": "app_open", "userId": "u1", "properties": {}}, "write")[0] == 200:
            return True
        time.sleep(0.2)
    return False


def warehouse(tour: Tour, platform: Platform) -> None:
    tour.group("SQL and models", "The server goes on: a model that fails leaves its table as it was.")
    check = lambda folder: ["config", "check", "--project", folder]  # noqa: E731
    file = "warehouse/dws/dws_post_daily.sql"
    verb_case(tour, "Broken SQL", check(broken(tour, "sql", file, "GROUP BY", "GROUPS BY")), file + ":")
    verb_case(tour, "Broken header", check(broken(tour, "header", file, "-- materialize: incremental", "-- materialize: sometimes")), file + ":", "sometimes", "incremental")
    verb_case(tour, "A table that nobody makes", check(broken(tour, "table", file, "FROM dwd_user_action", "FROM dwd_user_actoin")), file, "dwd_user_actoin")
    verb_case(tour, "Broken rule", check(broken(tour, "rule", "warehouse/checks/dwd_user_action.dqdl", "IsUnique", "IsUnik")), "dwd_user_action.dqdl:", "IsUnik")
    verb_case(tour, "Broken training plan", check(broken(tour, "plan", "models/rank.toml", "leaves = 31", "leaves = 1")), "models/rank.toml:", "leaves")
    platform.land()
    project = platform.project
    path = project / "warehouse/dwd/dim_user.sql"
    text = path.read_text()
    path.write_text(text.replace("SELECT author_id AS user_id", "SELECT auther_id AS user_id", 1))
    verb_case(tour, "Missing column", ["run", "--project", project, "--url", "", "--select", "dim_user", "--until", "now"], "warehouse/dwd/dim_user.sql: line 17, column 10", "auther_id")
    path.write_text(text)
    verb_case(tour, "A model that is not there", ["run", "--project", project, "--url", "", "--select", "dim_usr"], "dim_usr", "dim_user")
    verb_case(tour, "A run that is not there", ["run", "--project", project, "--resume", "run-nope"], "run-nope", "no such run")
    verb_case(tour, "A rebuild that nobody confirms", ["rebuild", "--project", project], "--yes")
    verb_case(tour, "An import without a server", ["import", "--project", project, "--url", f"http://127.0.0.1:{free_port()}", "/dev/null"], "feedmill up")
    verb_case(tour, "A query of a file that is not the project's", ["query", "--project", project, "SELECT * FROM read_csv('/etc/passwd')"], "/etc/passwd")
    verb_case(tour, "A query of a table that is not there", ["query", "--project", project, "SELECT * FROM ods_evnt"], "ods_evnt", "ods.ods_event")
    verb_case(tour, "A query that would change something", ["query", "--project", project, "DROP TABLE ods_event"], "found DROP", "one SELECT")
    verb_case(tour, "A word that is not allowed", ["query", "--project", project, "--format", "xml", "SELECT 1"], "\"xml\"", "csv, jsonl, table")
    verb_case(tour, "A rebuild that nobody has confirmed", ["rebuild", "--project", project], "--yes", "dwd, dws and ads")
    verb_case(tour, "A verb that is not there", ["nope"], "\"nope\"", "query")
    verb_case(tour, "A verb that is nearly there", ["reubild", "--project", project], "did you mean `rebuild`?")
    verb_case(tour, "An option that is nearly there", ["query", "--project", project, "--fromat", "csv", "SELECT 1"], "did you mean `--format`?")
    verb_case(tour, "A key of no kind", ["key", "show", "root", "--project", project], "\"root\"", "admin, import, read, write")
    verb_case(tour, "A key's name that is none", ["key", "add", "Phone App", "--for", "write", "--project", project], "small letters")
    verb_case(tour, "A key that is not there", ["key", "rotate", "phone", "--project", project], "no key of the name")
    verb_case(tour, "A query of a column that is not there", ["query", "--project", project, "SELECT usr_id FROM ods_event"], "usr_id")
    serves(tour, platform, "broken models")


def bundles(tour: Tour, platform: Platform) -> None:
    """One byte of the live bundle's model is flipped; the next start must refuse it and serve without."""
    tour.group("A broken model file", "Every file of a bundle is checked against its SHA-256 before it is used. Without a bundle, feeds come from fresh and "
               "trending posts and say so in `degraded`.")
    world = Platform(tour.folder / "world", "clock.source=driven")
    try:
        world.start()
        history = world.simulate("history")
        world.nightly(history["until"])
        world.stop()
        model = sorted((world.project / "data/bundles").glob("*/rank_*.model"))[0]
        content = bytearray(model.read_bytes())
        content[len(content) // 2] ^= 1
        model.chmod(0o644)
        model.write_bytes(content)
        (world.project / "server.log").write_text("")
        world.start()
        wait_for_log(world, "bundle")
        lines = [line for line in world.server_log().splitlines() if re.search(r" (warn|error) ", line) and "bundle" in line]
        tour.case("A flipped byte", "feedmill up --project myapp", lines[0] if lines else world.server_log(), "rank_click.model: SHA-256", "the manifest says")
        serves(tour, world, "a broken model file")
        tour.checks.check("the feed says what is missing", bool(world.feed("u1").get("degraded")), world.feed("u1"))
    finally:
        world.stop()


def wait_for_log(platform: Platform, word: str) -> None:
    deadline = time.monotonic() + END_SECONDS_MAX
    while time.monotonic() < deadline and not re.search(rf" (warn|error) .*{word}", platform.server_log()):
        time.sleep(0.05)


def compare_page(tour: Tour, checks: Checks) -> None:
    if "--write" in sys.argv:
        PAGE.write_text(tour.page())
        return
    found, wanted = PAGE.read_text().split("\n"), tour.page().split("\n")
    different = [f"line {i + 1}: the page has {a!r}, the program says {b!r}" for i, (a, b) in enumerate(zip(found, wanted)) if a != b]
    checks.check("docs/guides/errors.md shows the real messages (renew it with tests/errors/run.sh --write)",
                 not different and len(found) == len(wanted), "\n".join(different[:5]) or f"{len(found)} lines, wanted {len(wanted)}")


def main() -> None:
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="feedmill-errors-") as name:
        tour = Tour(checks, pathlib.Path(name))
        platform = Platform(tour.folder / "app")
        platform.start()
        try:
            for part in (events, feeds, settings, machine):
                checks.part(part, tour, platform)
            if can_mount():
                checks.part(read_only, tour, platform)
                checks.part(full_disk, tour, platform)
            else:
                print("skipped: read-only folder and full disk: this user may not mount (unshare --mount needs root)")
            for part in (short_log, folders, warehouse, bundles):
                checks.part(part, tour, platform)
        finally:
            platform.stop()
        if can_mount():
            checks.part(compare_page, tour, checks)
    checks.finish()


if __name__ == "__main__":
    main()
