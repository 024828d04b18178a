"""The app of the month: one Feedmill under the clock twin, and what its clients send. Every message goes through the ledger."""

import datetime
import json
import pathlib
import random
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from ledger import Ledger  # noqa: E402
from local_platform import FEEDMILL, Platform, free_port  # noqa: E402
from world import LOOK_DECAY, TOPICS, World, text_of  # noqa: E402

RETRIES_MAX = 400          # of one body, a pause of 50 ms between them
BATCH_MAX = 500
FEED_SLACK_SECONDS = 1.0   # what a busy machine may add to an answer, as the client sees it


def take_template(project: pathlib.Path) -> None:
    """What docs/guides/upgrade.md says of a project whose files were never changed: those of the new template take their place."""
    fresh = project.parent / "fresh"
    subprocess.run([FEEDMILL, "init", fresh], check=True, stdout=subprocess.DEVNULL)
    shutil.copytree(fresh, project, dirs_exist_ok=True)
    shutil.rmtree(fresh)


class MonthPlatform(Platform):
    """A server whose clock begins where the month stands, on a folder that may move."""

    def __init__(self, folder: pathlib.Path, start: datetime.datetime, fixture: pathlib.Path | None):
        self.project = folder
        self.settings = ("clock.source=driven", "landing.interval=2s", "log.segment_bytes_max=4MiB")
        self.port = 0
        self.process = None
        self.connection = None
        self.now = start
        self.former: set[str] = set()   # files of the first release, which have no checksum
        if fixture:
            folder.mkdir(parents=True, exist_ok=True)
            subprocess.run(["tar", "-xJf", fixture, "-C", folder, "--strip-components=1"], check=True)
            take_template(folder)
            self.former = {path.name for path in (folder / "data").rglob("*.parquet")}
        else:
            subprocess.run([FEEDMILL, "init", folder], check=True, stdout=subprocess.DEVNULL)

    def start(self, until: str = "/readyz") -> None:
        kept = self.settings
        self.settings = (*kept, f"clock.start={text_of(self.now)}")
        try:
            super().start(until)
        finally:
            self.settings = kept
        self.set_clock(text_of(self.now))

    def go_to(self, now: datetime.datetime) -> None:
        self.now = now
        self.set_clock(text_of(now))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process = None
        self.connection = None


class App:
    def __init__(self, seed: int, platform: MonthPlatform, world: World, ledger: Ledger):
        self.platform = platform
        self.world = world
        self.ledger = ledger
        self.random = random.Random(seed * 7919)
        self.seed = seed
        self.count = 0
        self.waiting: list[dict] = []      # messages that the next flush sends
        self.disorder = ""                 # that is at work
        self.feeds = 0
        self.feeds_degraded = 0
        self.feeds_late = []               # later than the budget and not said so
        self.feeds_wrong = []              # that show what may not be seen
        self.feed_ms: list[float] = []
        self.page_worth = {"home": [], "trending": []}
        self.day = 0
        self.hostile_rows = 4000
        self.imports = 0
        self.import_rows = 3000
        self.bodies: dict[str, dict] = {}              # of the last days, to send them again
        self.bodies_at: dict[str, datetime.datetime] = {}

    # Messages.

    def message(self, event: str, user: str, properties: dict, fate: str = "kept", at: datetime.datetime | None = None, **members) -> dict:
        """Adds one to what waits. `at`: when it happened; without it now."""
        self.count += 1
        name = members.pop("messageId", f"m{self.seed}-{self.count}")
        body = {"type": "track", "event": event, "userId": user, "messageId": name, "properties": properties, **members}
        body = {key: value for key, value in body.items() if value is not None}
        if at is not None:
            body["timestamp"] = text_of(at)
            body.setdefault("sentAt", text_of(self.platform.now))
        self.ledger.note(name, fate, at or self.platform.now, self.disorder)
        if fate == "kept" and self.random.random() < 0.1:
            self.bodies[name], self.bodies_at[name] = body, self.platform.now
        self.waiting.append(body)
        return body

    def flush(self) -> str:
        position = ""
        while self.waiting:
            batch, self.waiting = self.waiting[:BATCH_MAX], self.waiting[BATCH_MAX:]
            position = self.send(batch)
        return position

    def send(self, batch: list[dict], headers: dict | None = None) -> str:
        """Until it is answered, as a client does: a cut connection, 429 and 503 are tried again with the same ids."""
        for attempt in range(RETRIES_MAX):
            try:
                status, answer = self.platform.call("POST", "/v1/batch", {"batch": batch}, "write")
            except OSError:
                status, answer = 0, {}
            if status == 200:
                return self.answered(batch, answer)
            if status not in (0, 429, 503):
                raise RuntimeError(f"a batch of {len(batch)} ({self.disorder}): {status} {json.dumps(answer)[:500]}")
            if self.platform.process is None:
                self.platform.start()
            time.sleep(0.05)
        raise RuntimeError(f"a batch of {len(batch)} was not taken in {RETRIES_MAX} tries ({self.disorder}): {status} {answer}")

    def answered(self, batch: list[dict], answer: dict) -> str:
        refused = {entry["index"]: entry["rule"] for entry in answer["rejected"]}
        if answer["rejected_count"] != len(refused):
            raise RuntimeError(f"{answer['rejected_count']} were refused, {len(refused)} are named")
        if answer["accepted"] + answer["duplicates"] + len(refused) != len(batch):
            raise RuntimeError(f"of {len(batch)} messages some were not accounted for: {answer}")
        taken = []
        for index, body in enumerate(batch):
            fate = self.ledger.events[body["messageId"]].fate
            if index in refused:
                self.ledger.refuse(refused[index])
                if fate != f"refused:{refused[index]}":
                    raise RuntimeError(f"refused by {refused[index]}, expected {fate}: {json.dumps(body)[:400]} ({self.disorder})")
            elif fate.startswith("refused"):
                raise RuntimeError(f"accepted, expected {fate}: {json.dumps(body)[:400]} ({self.disorder})")
            taken.append(body["messageId"])
        self.ledger.acknowledge(taken)
        return answer["position"]

    # Life.

    def write_posts(self, count: int) -> None:
        for _ in range(count):
            post = self.world.new_post(self.platform.now)
            self.message("post_create", post.author, {"post_id": post.id, "topic": self.topic(post), "text_length": post.text_length})

    def topic(self, post) -> str:
        return TOPICS[post.topic]

    def feed(self, user: str, scene: str, **members) -> dict:
        begin = time.monotonic()
        answer = self.platform.feed(user, scene=scene, **members)
        took = time.monotonic() - begin
        self.feeds += 1
        self.feed_ms.append(took * 1000)
        if wrong := self.world.may_not_see(user, answer["items"]):
            self.feeds_wrong.append(f"{scene} of {user}: {wrong}")
        if answer["degraded"]:
            self.feeds_degraded += 1
        elif took > 0.2 + FEED_SLACK_SECONDS:
            self.feeds_late.append(f"{scene} of {user}: {took:.2f} s and nothing is degraded ({self.disorder})")
        return answer

    def visit(self, person) -> None:
        """One session: a feed, what is looked at, what is done about it."""
        scene = self.random.choices(["home", "trending", "random"], [8, 1, 1])[0]
        answer = self.feed(person.id, scene)
        common = {"request_id": answer["request_id"], "scene": scene}
        for place, item in enumerate(answer["items"]):
            if self.random.random() > 1 / (1 + LOOK_DECAY * place):
                continue
            at = {**common, "post_id": item["id"], "position": place, "source": item["source"]}
            self.message("feed_impression", person.id, {**at, "author_id": item["author"]})
            if self.random.random() < self.world.chance(person, item["id"], self.platform.now):
                self.act(person, item, {**common, "post_id": item["id"], "position": place})
            elif self.random.random() < 0.004:
                self.message("hide", person.id, {**common, "post_id": item["id"]})

    def act(self, person, item: dict, at: dict) -> None:
        self.message("post_click", person.id, at)
        self.message("dwell", person.id, {**at, "dwell_ms": self.random.randrange(500, 60_000)})
        for event, chance in (("like", 0.3), ("comment", 0.06), ("share", 0.05)):
            if self.random.random() < chance:
                self.message(event, person.id, dict(at))
        if item["author"] and item["author"] != person.id and self.random.random() < 0.15:
            self.follow(person, item["author"])

    def follow(self, person, author: str) -> None:
        event = "unfollow" if author in person.follows else "follow"
        (person.follows.discard if author in person.follows else person.follows.add)(author)
        self.message(event, person.id, {"target_user_id": author})

    def hour(self, share: float) -> None:
        """One hour of life; `share` of the usual volume."""
        self.write_posts(sum(self.random.random() < 0.1 * share for _ in self.world.authors))
        for person in self.world.people:
            if self.day in person.away or self.random.random() >= person.visits * share / 24:
                continue
            self.visit(person)
        self.flush()

    def judge(self) -> None:
        """What the model's page is worth beside trending's, for some people, by the truth. Looking changes nothing."""
        for person in self.random.sample(self.world.people, min(40, len(self.world.people))):
            for scene, found in self.page_worth.items():
                found.append(self.world.worth(person, self.platform.feed(person.id, scene=scene)["items"], self.platform.now))


def in_background(command: list, **options) -> subprocess.Popen:
    return subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


__all__ = ["App", "MonthPlatform", "free_port", "in_background"]
