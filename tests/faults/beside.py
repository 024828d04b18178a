"""What goes on beside the kills: clients that send, people who look at feeds, nightlies that are killed themselves, and somebody who promotes
models and takes that back. Each in a thread of its own. A cut connection is part of the game; anything else ends the test."""

import copy
import json
import random
import signal
import subprocess
import threading
import time
import traceback

TRY_AGAIN = (429, 503)
REFUSED_SHARE = 0.1      # of the batches have an event that is refused: its table grows, too
NIGHT_KILLED_EVERY = 3   # of three, the second
NIGHT_SECONDS_MAX = 600


class Beside(threading.Thread):
    pause = 0.01   # between turns

    def __init__(self, platform, seed: int):
        super().__init__(daemon=True)
        self.platform = copy.copy(platform)   # with a connection of its own
        self.platform.connection = None
        self.random = random.Random(f"{type(self).__name__}-{seed}")
        self.ended = threading.Event()
        self.failure = ""

    def turn(self) -> None:
        raise NotImplementedError

    def run(self) -> None:
        try:
            while not self.ended.wait(self.pause):
                self.turn()
        except Exception:  # noqa: BLE001 - whatever it is, it is a failure with its place
            self.failure = traceback.format_exc()

    def finish(self) -> None:
        self.ended.set()
        self.join(NIGHT_SECONDS_MAX)

    def ask(self, method: str, path: str, body: object, key: str) -> dict | None:
        """None when no server was there to answer, or it had no time."""
        try:
            status, answer = self.platform.call(method, path, body, key)
        except (OSError, ValueError):
            return None
        if status in TRY_AGAIN:
            return None
        if status != 200:
            raise RuntimeError(f"{method} {path}: {status} {answer}")
        return answer


class Sender(Beside):
    """Sends batches; one that was not answered is sent again with the same ids until it is."""

    def __init__(self, platform, seed: int):
        super().__init__(platform, seed)
        self.seed = seed
        self.acknowledged: list[str] = []

    def send(self, events: list[dict]) -> None:
        ids = [f"k{self.seed}-{len(self.acknowledged) + place}" for place in range(len(events))]
        batch = [{"type": "track", "messageId": name, **event} for name, event in zip(ids, events)]
        if self.random.random() < REFUSED_SHARE:
            batch.append({"type": "track", "event": "no_such_event", "userId": "u1"})
        while not self.ended.is_set():
            answer = self.ask("POST", "/v1/batch", {"batch": batch}, "write")
            if answer:
                if answer["accepted"] + answer["duplicates"] != len(ids):
                    raise RuntimeError(f"not all of {len(ids)} were taken: {answer}")
                self.acknowledged += ids
                return
            self.ended.wait(self.pause)

    def turn(self) -> None:
        views = self.random.choice([1, 5, 40])
        self.send([{"event": "post_view", "userId": f"u{self.random.randrange(500)}", "properties": {"post_id": f"p{self.random.randrange(200)}"}} for _ in range(views)])


class Reader(Sender):
    """Somebody of the simulated app looks at a feed, and at times clicks."""

    feeds = 0

    def turn(self) -> None:
        user = f"u{self.random.randrange(120):06d}"
        feed = self.ask("POST", "/v1/feed", {"user_id": user, "n": 10}, "read")
        if not feed:
            return
        self.feeds += 1
        events = []
        for place, item in enumerate(feed["items"]):
            seen = {"request_id": feed["request_id"], "scene": "home", "post_id": item["id"], "position": place}
            events.append({"event": "feed_impression", "userId": user, "properties": {**seen, "author_id": item["author"], "source": item["source"]}})
            if self.random.random() < 0.2:
                events.append({"event": "post_click", "userId": user, "properties": seen})
        if events:
            self.send(events)


class Nights(Beside):
    """One nightly after the other, with training, promotion and all; now and then one is killed."""

    def __init__(self, platform, seed: int):
        super().__init__(platform, seed)
        self.begun = self.succeeded = self.killed = self.promoted = 0
        self.seconds = 20.0   # that the last one took

    def turn(self) -> None:
        begin = time.monotonic()
        self.begun += 1
        command = [str(word) for word in self.platform.command("run", "--until", "now", "--force-promote")]
        night = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.begun % NIGHT_KILLED_EVERY == 2:
            self.ended.wait(self.random.uniform(0, self.seconds))
            night.send_signal(signal.SIGKILL)
        out, err = night.communicate(timeout=NIGHT_SECONDS_MAX)
        if night.returncode == -signal.SIGKILL:
            self.killed += 1
            return
        if night.returncode != 0:
            raise RuntimeError(f"a nightly ended with {night.returncode}: {err[-3000:]}")
        self.succeeded += 1
        self.promoted += json.loads(out.strip().splitlines()[-1])["promoted"]
        self.seconds = time.monotonic() - begin


class Promoter(Beside):
    """Makes one of the bundles live, or goes back to the one before. What was answered must hold."""

    pause = 0.3
    promoted = rolled_back = 0

    def turn(self) -> None:
        before = self.bundles()
        former = [name for name, state in before.items() if state == "former"]
        if not former:
            return
        if self.random.random() < 0.3:
            self.rolled_back += self.move("rollback", {})
            return
        chosen = self.random.choice(former)
        if not self.move("promote", {"id": chosen, "force": True}):
            return
        self.promoted += 1
        live = next((name for name, state in self.bundles().items() if state == "live"), chosen)
        # A nightly may have promoted its own meanwhile.
        if live != chosen and before.get(live, "candidate") != "candidate":
            raise RuntimeError(f"bundle {chosen} was made live, and afterwards {live} is: {before}")

    def bundles(self) -> dict[str, str]:
        answer = self.ask("GET", "/v1/admin/bundles", None, "admin")
        return {row["id"]: row["state"] for row in answer["bundles"]} if answer else {}

    def move(self, how: str, body: dict) -> bool:
        try:
            status, answer = self.platform.call("POST", f"/v1/admin/bundle/{how}", body, "admin")
        except (OSError, ValueError):
            return False
        # Not found: the keeper let it go, or there is nothing to go back to.
        if status not in (200, 404, *TRY_AGAIN):
            raise RuntimeError(f"bundle {how} {body}: {status} {answer}")
        return status == 200 and answer["promoted"]
