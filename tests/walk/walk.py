#!/usr/bin/env python3
"""One event followed all the way round the loop, hop by hop; what a user does shows in the very next feed; newcomers and new posts are placed;
logged features are found again in the lake; the same seed gives the same figures.
"""

import datetime
import json
import math
import os
import pathlib
import re
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from local_platform import Checks, Platform  # noqa: E402

START = "2026-01-05"
REQUESTS = int(os.environ.get("FEEDMILL_VERIFY_REQUESTS", "250"))
SCALE = max(1, REQUESTS // 750)
LIVE_HOURS = 24 * math.ceil(REQUESTS / (250 * SCALE))   # 120 users ask some 250 times a day
AT_ONCE_SECONDS = 1.0
# Figures that are measured and not computed.
MEASURED = {"seconds", "feed_p50_ms", "feed_p99_ms", "run", "steps", "memory_peak_mb", "bundle", "reason"}


class Walk:
    def __init__(self, checks: Checks, platform: Platform, partitions: int):
        self.checks = checks
        self.platform = platform
        self.partitions = partitions
        self.now = datetime.datetime(2026, 1, 8, tzinfo=datetime.timezone.utc)
        self.figures: dict = {}

    def later(self, **time_passed) -> str:
        """Moves the clock; the instant."""
        self.now += datetime.timedelta(**time_passed)
        text = self.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        self.platform.set_clock(text)
        return text

    def live(self) -> None:
        """History, a nightly, and users who live on with the model."""
        self.platform.start()
        history = self.platform.simulate("history", "--start", START)
        nightly = self.platform.nightly(history["until"], "--force-promote")
        self.platform.restart()   # with the bundle live from the first feed on; a running server takes it up within a second or so
        tally = self.platform.simulate("live", "--start", START, "--scene", "home", "--feeds", REQUESTS)
        self.figures = {"history": history, "nightly": nightly, "live": tally}
        self.now += datetime.timedelta(hours=LIVE_HOURS + 1)
        self.later(minutes=1)

    def one_event(self) -> None:
        """POST -> log -> ods -> dwd -> dws -> sample -> feature -> live state -> feed -> explanation."""
        check, platform = self.checks, self.platform
        user = "u000050"
        shown = platform.feed(user)
        item = shown["items"][0]
        request = {"request_id": shown["request_id"], "scene": "home"}
        before = self.feature(user, item["author"], "user_author_clicks")
        self.later(seconds=5)
        impressions = [
            {"type": "track", "event": "feed_impression", "userId": user, "messageId": f"walk-impression-{place}",
             "properties": {**request, "post_id": other["id"], "author_id": other["author"], "position": place, "source": other["source"]}}
            for place, other in enumerate(shown["items"])
        ]
        platform.batch(impressions)
        self.later(seconds=5)
        position = platform.track("post_click", user, {**request, "post_id": item["id"], "position": 0}, messageId="walk-click")
        check.check("post: the answer names a position in the log", re.fullmatch(r"\d+:\d+", position) and int(position.split(":")[0]) < self.partitions, position)
        self.in_the_log()
        self.in_the_live_state(user, item, position, before)
        self.in_the_warehouse(user, item, shown["request_id"], position)

    def in_the_log(self) -> None:
        segments = sorted((self.platform.project / "data/log").rglob("*.seg"))
        self.checks.check("log: the event's bytes are on disk", any(b"walk-click" in path.read_bytes() for path in segments), segments)

    def feature(self, user: str, author: str, name: str) -> float | None:
        """The logged value for the user and the first candidate of this author, from the explanation of a feed made for it."""
        answer = self.platform.feed(user, n=100)
        row = self.platform.good("GET", "/v1/explain/" + answer["request_id"], key="read")
        place = row["feature_names"].index(name)
        values = [item["features"][place] for item in row["items"] + row["sampled"] if item["author_id"] == author and "features" in item]
        return values[0] if values else None

    def in_the_live_state(self, user: str, item: dict, position: str, before: float | None) -> None:
        check = self.checks
        feed = self.platform.feed(user, after=position)
        check.check("feed: what was clicked is not shown again", item["id"] not in [other["id"] for other in feed["items"]], feed)
        check.check("feed: it is seen, says the filter", feed["filtered"].get("seen", 0) > 0, feed["filtered"])
        row = self.platform.good("GET", "/v1/explain/" + feed["request_id"], key="read")
        check.equal("explain: the row is of this feed", [shown["post_id"] for shown in row["items"]], [shown["id"] for shown in feed["items"]])
        partition, offset = position.split(":")
        check.check("explain: the state had the event", int(dict(one.split(":") for one in row["applied"].split(","))[partition]) > int(offset), row["applied"])
        after = self.feature(user, item["author"], "user_author_clicks")
        check.check("explain: the click counts for this user and author", after is not None and after > (before or 0.0), (before, after))

    def in_the_warehouse(self, user: str, item: dict, request_id: str, position: str) -> None:
        check, platform = self.checks, self.platform
        day = self.now.strftime("%Y-%m-%d")
        platform.land()
        raw = platform.query("SELECT event, user_id, post_id, request_id, log_partition, log_offset FROM ods_event WHERE event_id = 'walk-click'")
        wanted = {"event": "post_click", "user_id": user, "post_id": item["id"], "request_id": request_id}
        check.equal("ods_event: the event as it came, where the answer said", raw, [{**wanted, "log_partition": int(position.split(":")[0]), "log_offset": int(position.split(":")[1])}])
        platform.nightly((self.now + datetime.timedelta(days=1)).strftime("%Y-%m-%d"), "--no-train")
        action = platform.query("SELECT event_name, user_id, post_id, author_id, topic FROM dwd_user_action WHERE event_id = 'walk-click'")
        check.equal("dwd_user_action: author and topic are looked up", action,
                    [{"event_name": "post_click", "user_id": user, "post_id": item["id"], "author_id": item["author"], "topic": item["topic"]}])
        pair = platform.query(
            "SELECT p.clicks FROM dws_pair_interaction p JOIN dim_user u ON u.user_key = p.user_key JOIN dim_user a ON a.user_key = p.author_key"
            f" WHERE u.user_id = '{user}' AND a.user_id = '{item['author']}' AND p.day = DATE '{day}'")
        counted = platform.query(f"SELECT count(*) AS clicks FROM ods_event WHERE event = 'post_click' AND user_id = '{user}' AND event_time >= '{day}'"
                                 f" AND post_id IN (SELECT post_id FROM dwd_post WHERE author_id = '{item['author']}')")
        check.equal("dws_pair_interaction: the day's clicks", pair, counted)
        sample = platform.query(f"SELECT post_id, click FROM ads_sample_ctr WHERE request_id = '{request_id}' ORDER BY position")
        check.equal("ads_sample_ctr: one sample an impression, the clicked one is labelled",
                    [row["click"] for row in sample], [1] + [0] * (len(sample) - 1))
        check.equal("ads_sample_ctr: of the clicked post", sample[0]["post_id"], item["id"])
        self.in_the_features(item["author"])

    def in_the_features(self, author: str) -> None:
        """The author's decayed clicks as of the cut, beside the formula of docs/decisions/decayed-counters.md in SQL."""
        row = self.platform.query(f"SELECT * FROM ads_author_features WHERE author_id = '{author}'")[0]
        found = [value for column, value in row.items() if column.startswith("c_") and "click" in column and column.endswith("30d")]
        wanted = self.platform.query(
            "SELECT sum(power(0.5, (epoch_us(f.as_of) - epoch_us(a.event_time)) / (30 * 86400e6))) AS clicks, count(*) FILTER (a.event_id = 'walk-click') AS ours"
            f" FROM dwd_user_action a CROSS JOIN (SELECT as_of FROM ads_author_features WHERE author_id = '{author}') f"
            f" WHERE a.event_name = 'post_click' AND a.author_id = '{author}' AND a.event_time < f.as_of")[0]
        close = len(found) == 1 and math.isclose(found[0], wanted["clicks"], rel_tol=1e-9)
        self.checks.check("ads_author_features: all clicks of the author, ours among them", close and wanted["ours"] == 1, (found, wanted))

    def at_once(self) -> None:
        """A follow, a like, a hide and an unfollow change the very next feed: with `after`, and without it within a second."""
        for number, how in enumerate(("with `after`", "without")):
            user = f"walker-{number}"
            author, other = ("u000003", "u000004") if how == "without" else ("u000005", "u000006")
            fresh = f"fresh-{number}"
            self.later(minutes=1)
            self.platform.track("post_create", author, {"post_id": fresh, "topic": "t00", "text_length": 100})
            self.later(minutes=1)

            def follows_shown(feed: dict) -> set:
                return {item["author"] for item in feed["items"]}

            self.becomes(how, "follow", user, "follow", {"target_user_id": author}, "following", lambda feed: author in follows_shown(feed))
            self.becomes(how, "hide of a post", user, "hide", {"post_id": fresh}, "following", lambda feed: fresh not in {i["id"] for i in feed["items"]})
            self.becomes(how, "unfollow", user, "unfollow", {"target_user_id": author}, "following", lambda feed: author not in follows_shown(feed))
            before = self.platform.feed(user, scene="home", n=50)["items"]
            self.checks.check(f"like, {how}: nothing is recommended for likes before", not any(by_likes(item) for item in before), before)
            liked = min(before, key=lambda item: item["created_at"])   # old enough that the nightly knows who else liked it
            self.becomes(how, "like", user, "like", {"post_id": liked["id"]}, "home",
                         lambda feed: any(by_likes(item) for item in feed["items"]))
            self.becomes(how, "hide of an author", user, "hide", {"target_user_id": other}, "home", lambda feed: other not in follows_shown(feed))

    def becomes(self, how: str, name: str, user: str, event: str, properties: dict, scene: str, holds) -> None:
        begin = time.monotonic()
        position = self.platform.track(event, user, properties)
        if how != "without":
            feed = self.platform.feed(user, scene=scene, after=position, n=50)
            said = [] if feed["items"] else ["empty: no channel found an item"]   # of those who follow nobody any more
            self.checks.check(f"{name}, {how}: the very next feed", holds(feed) and feed["degraded"] == said, feed)
            return
        feed = self.platform.feed(user, scene=scene, n=50)
        while not holds(feed) and time.monotonic() - begin < AT_ONCE_SECONDS:
            feed = self.platform.feed(user, scene=scene, n=50)
        took = time.monotonic() - begin
        self.checks.check(f"{name}, {how}: within {AT_ONCE_SECONDS:.0f} s", holds(feed) and took < AT_ONCE_SECONDS, (took, feed))

    def hidden_for_good(self) -> None:
        """50 feeds, of all scenes: neither the hidden post nor anything of the hidden author."""
        user = "u000061"
        first = self.platform.feed(user)["items"]
        post, author = first[0], first[1]
        self.platform.track("hide", user, {"post_id": post["id"]})
        position = self.platform.track("hide", user, {"target_user_id": author["author"]})
        broken = []
        for number in range(50):
            self.later(minutes=2)
            feed = self.platform.feed(user, scene=["home", "trending", "following", "random"][number % 4], after=position, n=50)
            broken += [item for item in feed["items"] if item["id"] == post["id"] or item["author"] == author["author"]]
        self.checks.check("what was hidden is never shown again in 50 feeds", not broken, broken[:3])

    def cold_start(self) -> None:
        """A user never seen gets a full and varied page; a post of a minute ago reaches followers at once and some others."""
        feed = self.platform.feed("never-seen-before")
        items = feed["items"]
        self.checks.equal("a new user's page is full", len(items), 10)
        self.checks.check("a new user's page: several authors and topics", len({i["author"] for i in items}) >= 4 and len({i["topic"] for i in items}) >= 2, items)
        self.checks.check("a new user's page: popular posts and new ones", {"trending", "fresh"} <= {s for i in items for s in i["sources"]}, items)
        # Of the topics that have enough posts, the one that is told least without asking.
        many = [i["topic"] for i in self.platform.feed("never-seen-before", n=100)["items"]]
        told = min((topic for topic in set(many) if many.count(topic) >= 8), key=[i["topic"] for i in items].count)
        page = self.platform.feed("never-seen-either", context={"topics": [told]})["items"]
        self.checks.check(f"a new user who told {told} gets it", sum(i["topic"] == told for i in page) > sum(i["topic"] == told for i in items), page)
        position = self.platform.good("POST", "/v1/identify", {"userId": "never-seen-third", "traits": {"topics": [told]}}, "write")["position"]
        page = self.platform.feed("never-seen-third", after=position)["items"]
        self.checks.check(f"a new user whose identify told {told} gets it", sum(i["topic"] == told for i in page) > sum(i["topic"] == told for i in items), page)
        author = "u000002"
        follower = "follower-of-new"
        position = self.platform.track("follow", follower, {"target_user_id": author})
        self.later(minutes=5)
        position = self.platform.track("post_create", author, {"post_id": "a-minute-old", "topic": told, "text_length": 200})
        self.later(minutes=1)
        of_follower = self.platform.feed(follower, after=position, scene="following")["items"]
        self.checks.equal("a post of a minute ago is first for followers", of_follower[0]["id"], "a-minute-old")
        reached = sum("a-minute-old" in {i["id"] for i in self.platform.feed(f"u{number:06d}", n=20)["items"]} for number in range(60, 120))
        self.checks.check("a post of a minute ago reaches others, not everybody", 0 < reached, f"{reached} of 60")

    def features_again(self) -> None:
        self.platform.stop()
        found = self.platform.verb("verify-features")
        print("     verify-features:", json.dumps(found), flush=True)
        self.checks.check("features: every live request was computed again", found["requests"] >= REQUESTS, found)
        if self.partitions == 1:
            self.checks.check("features: and equal to the last bit", found["different"] == 0 and found["equal"] == found["values"] > 0, found)
        else:  # a batch over several partitions has no one order
            self.checks.check("features: and nearly all equal", found["different"] <= 0.03 * found["values"] > 0, found)


def by_likes(item: dict) -> bool:
    """Recommended by what the user acted on."""
    return bool({"i2i", "vector"} & set(item["sources"]))


def computed(figures: dict) -> dict:
    return {phase: {name: value for name, value in of.items() if name not in MEASURED} for phase, of in figures.items()}


def walk_all(checks: Checks, partitions: int, names: tuple[str, ...]) -> None:
    settings = ("clock.source=driven", "feed.budget=10s", f"log.partitions={partitions}")
    with tempfile.TemporaryDirectory(prefix="feedmill-walk-") as folder:
        platforms = [Platform(pathlib.Path(folder) / name, *settings, live_hours=LIVE_HOURS, scale=SCALE) for name in names]
        walks = [Walk(checks, platform, partitions) for platform in platforms]
        try:
            for walk in walks:
                checks.part(walk.live)
                if walk is not walks[0]:
                    walk.platform.stop()
                    checks.equal("the same seed gives the same figures", computed(walk.figures), computed(walks[0].figures))
            for part in (walks[0].one_event, walks[0].at_once, walks[0].hidden_for_good, walks[0].cold_start, walks[0].features_again):
                checks.part(part)
            if checks.failed and os.environ.get("FEEDMILL_KEEP"):
                shutil.copytree(folder, os.environ["FEEDMILL_KEEP"])
        finally:
            for platform in platforms:
                platform.stop()


def main() -> None:
    checks = Checks()
    walk_all(checks, 1, ("one", "two"))
    print("     once more over a log of four partitions", flush=True)
    walk_all(checks, 4, ("four",))
    checks.finish()


if __name__ == "__main__":
    main()
