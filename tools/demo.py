#!/usr/bin/env python3
"""The demo: a synthetic app lives through some days, the nightly learns from them, and users live on with what it learned.

Every policy meets the same people in the same mood: the project as history left it is forked once a policy, and the world's
draws depend only on its seed. The last line is one JSON object. `--exit` stops the server afterwards.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
POLICIES = ["random", "trending", "following", "home"]
LABELS = {"random": "random", "trending": "trending", "following": "in-network by time", "home": "model"}


class Server:
    """One `feedmill up` as a child process."""

    def __init__(self, binary: pathlib.Path, project: pathlib.Path, port: int, *settings: str):
        self.url = f"http://127.0.0.1:{port}"
        self.project = project
        self.log = open(project / "server.log", "ab")
        arguments = [binary, "up", "--project", project, "--set", f"http.port={port}"]
        for setting in settings:
            arguments += ["--set", setting]
        self.process = subprocess.Popen(arguments, stdout=self.log, stderr=self.log, start_new_session=True)
        self.wait_ready()

    def wait_ready(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                fail(f"the server ended with {self.process.returncode}; see {self.log.name}")
            try:
                with urllib.request.urlopen(self.url + "/readyz", timeout=2) as reply:
                    if reply.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        fail(f"the server was not ready within 60 s; see {self.log.name}")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        self.log.close()


def fail(message: str) -> None:
    print(f"demo: {message}", file=sys.stderr)
    sys.exit(1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_json(arguments: list, quiet: bool = False) -> dict:
    """Runs a verb; progress goes to the terminal, its last line of standard output is a JSON object."""
    done = subprocess.run([str(a) for a in arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE if quiet else None, text=True)
    if done.returncode != 0:
        fail(f"`{' '.join(str(a) for a in arguments)}` failed:\n{done.stderr or ''}{done.stdout[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def say(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stderr.isatty() else f"\n{text}", file=sys.stderr, flush=True)


def live_policy(binary: pathlib.Path, world: list, base: pathlib.Path, policy: str) -> dict:
    project = base.parent / policy
    subprocess.run([binary, "fork", base, project], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = Server(binary, project, free_port(), "clock.source=driven")
    try:
        return run_json([binary, "simulate", "live", "--project", project, "--url", server.url, "--scene", policy, *world], quiet=True)
    finally:
        server.stop()


def show_table(tallies: dict) -> None:
    print(f"\n  {'policy':<20}{'click rate':>12}{'new users':>12}{'new posts':>12}{'follow rate':>13}{'unwanted':>11}{'regret':>9}", file=sys.stderr)
    for policy in POLICIES:
        t = tallies[policy]
        print(
            f"  {LABELS[policy]:<20}{t['ctr']:>11.2%} {t['ctr_new_users']:>11.2%} {t['ctr_new_posts']:>11.2%} {t['follow_rate']:>12.3%} "
            f"{t['unwanted_rate']:>10.3%} {t['regret']:>8.3f}",
            file=sys.stderr,
        )


def keys_of(project: pathlib.Path) -> dict:
    keys = {}
    for line in (project / "data/secrets/keys.toml").read_text().splitlines():
        name, _, value = line.partition(" = ")
        if value:
            keys[name] = value.strip('"')
    return keys


def invite(server: Server) -> None:
    keys = keys_of(server.project)
    feed = f"curl -s {server.url}/v1/feed -H 'Authorization: Bearer {keys['read']}' -d '{{\"user_id\":\"u000400\",\"scene\":\"home\",\"n\":5}}'"
    request = urllib.request.Request(
        server.url + "/v1/feed", data=b'{"user_id":"u000400","scene":"home","n":5}', headers={"Authorization": "Bearer " + keys["read"]}
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        first = json.loads(reply.read())["items"][0]["id"]
    hide = (
        f"curl -s {server.url}/v1/track -u {keys['write']}: -H 'Content-Type: application/json' "
        f"-d '{{\"userId\":\"u000400\",\"event\":\"hide\",\"properties\":{{\"post_id\":\"{first}\"}}}}'"
    )
    say("Try it")
    print(f"  a feed:             {feed}", file=sys.stderr)
    print(f"  hide its first item: {hide}", file=sys.stderr)
    print("  and ask again: the item is gone, for good.", file=sys.stderr)
    print(f"  console:            {server.url}/console/#token={keys['admin']}", file=sys.stderr)
    print(f"  stop the server:    kill {server.process.pid}", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exit", action="store_true", help="stop the server afterwards")
    parser.add_argument("--world", default=str(ROOT / "examples/worlds/social.toml"), help="parameters of the world")
    parser.add_argument("--project", help="another project than the one that init writes; copied")
    parser.add_argument("--folder", default=str(ROOT / "build/demo"), help="where the demo lives; emptied first")
    parser.add_argument("--binary", default=os.environ.get("FEEDMILL", str(ROOT / "build/release/bin/feedmill")))
    arguments = parser.parse_args()
    binary = pathlib.Path(arguments.binary)
    folder = pathlib.Path(arguments.folder)
    world = ["--world", arguments.world]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)

    base = folder / "history"
    subprocess.run([binary, "init", base], check=True, stdout=subprocess.DEVNULL)
    if arguments.project:
        shutil.rmtree(base)
        shutil.copytree(arguments.project, base, ignore=shutil.ignore_patterns("data"))
    server = Server(binary, base, free_port(), "clock.source=driven")
    try:
        say("1/3  Days of history, sent through POST /v1/batch")
        history = run_json([binary, "simulate", "history", "--project", base, "--url", server.url, *world])
        say("2/3  The nightly: tables, features, samples, models, one bundle")
        nightly = run_json([binary, "run", "--project", base, "--url", server.url, "--until", history["until"]])
    finally:
        server.stop()

    say("3/3  The same users on the same seed, one policy after the other")
    tallies = {}
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        running = {pool.submit(live_policy, binary, world, base, policy): policy for policy in POLICIES}
        for done in concurrent.futures.as_completed(running):
            policy = running[done]
            tallies[policy] = done.result()
            print(f"  {LABELS[policy]}: {tallies[policy]['feeds']} feeds, click rate {tallies[policy]['ctr']:.2%}", file=sys.stderr, flush=True)
    show_table(tallies)
    against_rules = sum(tally["against_rules"] for tally in tallies.values())
    if against_rules:
        fail(f"{against_rules} items were shown to users who blocked their author or did not ask for what is not for everybody")

    if not arguments.exit:
        port = 8080
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                port = free_port()
        invite(Server(binary, folder / "home", port, "clock.source=shifted", f"clock.start={tallies['home']['until']}"))

    model = tallies["home"]
    result = {
        "events": history["events"] + model["events"],
        "ctr_random": tallies["random"]["ctr"],
        "ctr_trending": tallies["trending"]["ctr"],
        "ctr_following": tallies["following"]["ctr"],
        "ctr_model": model["ctr"],
        "ctr_model_new_users": model["ctr_new_users"],
        "ctr_model_new_posts": model["ctr_new_posts"],
        "follow_rate_trending": tallies["trending"]["follow_rate"],
        "follow_rate_model": model["follow_rate"],
        "regret_random": tallies["random"]["regret"],
        "regret_trending": tallies["trending"]["regret"],
        "regret_model": model["regret"],
        "against_rules": against_rules,
        "feed_p50_ms": model["feed_p50_ms"],
        "feed_p99_ms": model["feed_p99_ms"],
        "auc": nightly.get("auc"),
        "ndcg10": nightly.get("ndcg10"),
        "nightly_s": nightly.get("seconds"),
    }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
