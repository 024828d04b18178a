#!/usr/bin/env python3
"""The loop on real input: cascades of two Stack Exchange sites become events, the nightly learns from the earlier part, and
for every later action the feed is asked what this user acts on next.

DATA is a folder with <site>.cascades.txt and <site>.edges.txt (docs/guides/real-data.md). A day of the data is an hour of the
demo. The last line is one JSON object. The server is stopped at the end.
"""

import argparse
import base64
import collections
import datetime
import http.client
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import time

import demo

PLACES = 20
SECONDS_PER_HOUR = 3600
SCALE = 24  # a day of the data is an hour of the demo
START = datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone.utc)
DAY = 24 * SECONDS_PER_HOUR
HALF_LIVES = {"1h": SECONDS_PER_HOUR, "1d": DAY, "7d": 7 * DAY, "30d": 30 * DAY}  # of the popularity baselines, in demo time

Action = collections.namedtuple("Action", "at name user post site number")  # at: seconds of demo time since START


def instant(at: float) -> str:
    return (START + datetime.timedelta(seconds=at)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_cascades(path: pathlib.Path, site: str) -> list:
    """One line a cascade: "root user seconds,user seconds,..."; the root made the post, the others acted on it."""
    actions = []
    for number, line in enumerate(path.read_text().splitlines()):
        tokens = [token.split() for token in line.split(",") if token.strip()]
        try:
            root, first, began = tokens[0]
            acts = [(first, began)] + [(user, at) for user, at in tokens[1:]]
            post = f"{site}-post-{number}"
            actions.append(Action(int(began) / SCALE, "post_create", f"{site}-{root}", post, site, 0))
            actions += [Action(int(at) / SCALE, "comment", f"{site}-{user}", post, site, i + 1) for i, (user, at) in enumerate(acts)]
        except (ValueError, IndexError):
            demo.fail(f"{path}:{number + 1}: expected `root user seconds,user seconds,...`, found {line[:60]!r}")
    return actions


def read_edges(path: pathlib.Path, site: str) -> list:
    edges = [line.split(",") for line in path.read_text().splitlines() if line.strip()]
    for number, edge in enumerate(edges):
        if len(edge) != 2:
            demo.fail(f"{path}:{number + 1}: expected `user,user`, found {','.join(edge)[:60]!r}")
    return [(f"{site}-{follower.strip()}", f"{site}-{followed.strip()}") for follower, followed in edges]


def event_of(action: Action) -> dict:
    properties = {"post_id": action.post}
    if action.name == "post_create":
        properties |= {"topic": action.site, "text_length": 0}
    return {
        "type": "track",
        "messageId": f"{action.post}-{action.number}",
        "userId": action.user,
        "event": action.name,
        "properties": properties,
        "timestamp": instant(action.at),
    }


def follow_event(number: int, follower: str, followed: str) -> dict:
    return {
        "type": "track",
        "messageId": f"follow-{number}",
        "userId": follower,
        "event": "follow",
        "properties": {"target_user_id": followed},
        "timestamp": instant(0),
    }


def read_data(folder: pathlib.Path) -> tuple:
    paths = sorted(folder.glob("*.cascades.txt"))
    if not paths:
        demo.fail(f"{folder.absolute()} holds no <site>.cascades.txt; say where they are: make demo-real DATA=folder (docs/guides/real-data.md)")
    actions, follows = [], []
    for path in paths:
        site = path.name.removesuffix(".cascades.txt")
        actions += read_cascades(path, site)
        edges = folder / f"{site}.edges.txt"
        if edges.exists():
            follows += read_edges(edges, site)
    actions.sort(key=lambda action: (action.at, action.post, action.number))
    return actions, follows


class Api:
    """One kept-alive connection to the server."""

    def __init__(self, server: demo.Server):
        self.keys = demo.keys_of(server.project)
        self.connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)

    def post(self, path: str, key: str, body: dict) -> dict:
        basic = base64.b64encode(f"{self.keys[key]}:".encode()).decode()
        headers = {"Authorization": f"Basic {basic}" if key == "import" else "Bearer " + self.keys[key], "Content-Type": "application/json"}
        self.connection.request("POST", path, json.dumps(body), headers)
        reply = self.connection.getresponse()
        text = reply.read()
        if reply.status != 200:
            demo.fail(f"POST {path} answered {reply.status}: {text[:500].decode(errors='replace')}")
        return json.loads(text)


class Popularity:
    """Decayed and total counts of actions a post, kept exactly: the baselines. Knows the site and leaves out what was acted on."""

    def __init__(self):
        self.counts = {name: collections.defaultdict(lambda: (0.0, 0.0)) for name in [*HALF_LIVES, "total"]}
        self.posts = collections.defaultdict(dict)  # site -> post -> author
        self.acted = collections.defaultdict(set)

    def value(self, name: str, post: str, at: float) -> float:
        count, since = self.counts[name][post]
        return count if name == "total" else count * 2 ** ((since - at) / HALF_LIVES[name])

    def add(self, action: Action) -> None:
        if action.name == "post_create":
            self.posts[action.site][action.post] = action.user
            return
        for name in self.counts:
            self.counts[name][action.post] = (self.value(name, action.post, action.at) + 1, action.at)
        self.acted[action.user].add(action.post)

    def candidates(self, action: Action) -> list:
        acted = self.acted[action.user]
        return [post for post, author in self.posts[action.site].items() if post not in acted and author != action.user]

    def places(self, action: Action) -> dict:
        """Where each baseline puts the post acted on; among equals it gets the middle place."""
        candidates = self.candidates(action)
        places = {}
        for name in self.counts:
            own = self.value(name, action.post, action.at)
            values = [self.value(name, post, action.at) for post in candidates if post != action.post]
            places[name] = sum(value > own for value in values) + sum(value == own for value in values) // 2
        return places


class Tally:
    def __init__(self):
        self.hits, self.gain, self.count = 0, 0.0, 0

    def add(self, place) -> None:
        self.count += 1
        if place is not None and place < PLACES:
            self.hits += 1
            self.gain += 1 / math.log2(place + 2)

    def hit(self) -> float:
        return self.hits / max(1, self.count)

    def ndcg(self) -> float:
        return self.gain / max(1, self.count)


def place_on_page(api: Api, action: Action, scene: str, after: str) -> object:
    body = {"user_id": action.user, "scene": scene, "n": PLACES, "context": {"topics": [action.site]}}
    if after:
        body["after"] = after
    ids = [item["id"] for item in api.post("/v1/feed", "read", body)["items"]]
    return ids.index(action.post) if action.post in ids else None


def show_progress(done: int, total: int, began: float) -> None:
    if not sys.stderr.isatty() and done != total:
        return
    width = 30 * done // max(1, total)
    rate = done / max(1e-9, time.monotonic() - began)
    left = (total - done) / max(1e-9, rate)
    end = "\n" if done == total else ""
    print(f"\r  [{'#' * width}{'.' * (30 - width)}] {done}/{total} events, {rate:.0f}/s, {left:.0f} s left ", end=end, file=sys.stderr, flush=True)


def evaluate(api: Api, earlier: list, later: list) -> dict:
    """Asks before each later action, then lets it happen."""
    popularity = Popularity()
    for action in earlier:
        popularity.add(action)
    tallies = collections.defaultdict(Tally)
    after, began = "", time.monotonic()
    for number, action in enumerate(later):
        api.post("/v1/admin/clock", "admin", {"now": instant(action.at)})
        if action.name == "comment":
            for scene in ("next", "popular"):
                tallies[scene].add(place_on_page(api, action, scene, after))
            for name, place in popularity.places(action).items():
                tallies[name].add(place)
        after = api.post("/v1/batch", "import", {"batch": [event_of(action)]})["position"]
        popularity.add(action)
        if number % 50 == 49 or number + 1 == len(later):
            show_progress(number + 1, len(later), began)
    return tallies


def cut_of(actions: list, share: float) -> float:
    """Midnight at or before the instant that has `share` of the actions before it."""
    return actions[int(len(actions) * share)].at // DAY * DAY


def write_events(path: pathlib.Path, actions: list, follows: list) -> int:
    with path.open("w") as out:
        for number, (follower, followed) in enumerate(follows):
            out.write(json.dumps(follow_event(number, follower, followed)) + "\n")
        for action in actions:
            out.write(json.dumps(event_of(action)) + "\n")
    return len(actions) + len(follows)


def make_project(binary: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """The built-in template with the differences of examples/cascades."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    app = folder / "app"
    subprocess.run([binary, "init", app], check=True, stdout=subprocess.DEVNULL)
    shutil.copytree(demo.ROOT / "examples/cascades", app, dirs_exist_ok=True)
    return app


def show_table(tallies: dict) -> None:
    labels = {"next": "Feedmill: scene next", "popular": "Feedmill: scene popular", "total": "popular, all actions"}
    print(f"\n  {'':<28}{'hit@20':>9}{'NDCG@20':>9}", file=sys.stderr)
    for name, tally in tallies.items():
        print(f"  {labels.get(name, 'popular, half-life ' + name):<28}{tally.hit():>9.4f}{tally.ndcg():>9.4f}", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("DATA") or str(demo.ROOT.parent / "shared/data/stackexchange_diffusion"))
    parser.add_argument("--folder", default=str(demo.ROOT / "build/demo-real"), help="where the demo lives; emptied first")
    parser.add_argument("--binary", default=os.environ.get("FEEDMILL", str(demo.ROOT / "build/release/bin/feedmill")))
    parser.add_argument("--share", type=float, default=0.8, help="of the actions, before the cut")
    arguments = parser.parse_args()
    began = time.monotonic()
    actions, follows = read_data(pathlib.Path(arguments.data))
    cut = cut_of(actions, arguments.share)
    earlier, later = [a for a in actions if a.at < cut], [a for a in actions if a.at >= cut]

    folder = pathlib.Path(arguments.folder)
    app = make_project(pathlib.Path(arguments.binary), folder)
    sent = write_events(folder / "history.jsonl", earlier, follows)
    server = demo.Server(arguments.binary, app, demo.free_port(), "clock.source=driven", f"clock.start={instant(cut)}")
    try:
        demo.say(f"1/3  {sent} events of the past, sent by `feedmill import` (a day of the data is an hour here)")
        demo.run_json([arguments.binary, "import", folder / "history.jsonl", "--project", app, "--url", server.url])
        demo.say(f"2/3  The nightly, until {instant(cut)}")
        nightly = demo.run_json([arguments.binary, "run", "--project", app, "--url", server.url, "--until", instant(cut)])
        demo.say("3/3  What does this user act on next? Asked of POST /v1/feed just before each later action")
        tallies = evaluate(Api(server), earlier, later)
    finally:
        server.stop()
    show_table(tallies)
    result = {"hit20": tallies["next"].hit(), "ndcg20": tallies["next"].ndcg()}
    best = {name: tally for name, tally in tallies.items() if name != "next"}
    result["hit20_popularity"] = max(tally.hit() for tally in best.values())
    result["ndcg20_popularity"] = max(tally.ndcg() for tally in best.values())
    result |= {"events": sent + len(later), "asked": tallies["next"].count, "nightly_s": nightly["seconds"], "seconds": round(time.monotonic() - began, 1)}
    print(json.dumps({
    name: round(value, 4) for name, value in result.items()}), flush=True)


if __name__ == "__main__":
    main()
