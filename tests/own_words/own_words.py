#!/usr/bin/env python3
"""The platform knows no app's words. A project whose events, actions, labels, items and their properties have nonsense for names gives the same figures, lists and feeds as the
template; an action that is added in files alone is counted, learned and listed, and added to an app with history it is as if it had been there always.
"""

import json
import pathlib
import re
import shutil
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from local_platform import ROOT, Checks, Platform  # noqa: E402

SETTINGS = ("clock.source=driven", "clock.start=2026-01-10T00:00:00Z")
EVENTS = {"feed_impression": "vorpal", "post_click": "blick", "like": "quib", "comment": "snorf", "share": "dreb", "follow": "yump", "unfollow": "depump",
          "hide": "grud", "report": "tratt", "dwell": "zwell", "post_create": "mampf", "post_delete": "wupp", "post_view": "glotz",
          "save": "krell", "watch_complete": "plonk", "block": "varr", "unblock": "devarr", "post_takedown": "zapp", "post_restore": "wapp"}
ACTIONS = {"impression": "wabe", "click": "tove", "like": "gimble", "comment": "mome", "share": "rath", "follow": "outgrabe", "hide": "bander",
           "dwell_seconds": "frabjous", "view": "callay", "save": "callooh", "watch_complete": "frumious", "block": "jubjub"}
KIND = ("post", "tulgey")
PROPERTIES = {"post_id": "borogove", "topic": "slithy", "topics": "slithies", "text_length": "mimsy", "title": "brillig",
              "lang": "jabber", "langs": "jabbers", "nsfw": "beamish", "adult": "manxome", "community": "tumtum", "communities": "tumtums", "expires_at": "frabs"}
FIELDS = ("lang", "langs", "nsfw", "adult", "community", "communities", "expires_at")
# Columns and tables that follow from the kind's name.
COLUMNS = {r"post_key\b": "tulgey_key", r"\b(dim|dwd|dws|ads)_post": r"\1_tulgey", r"post_id\b": "borogove", r"\btopic\b": "slithy", r"\btext_length\b": "mimsy", r"\blang\b": "jabber"}
LABELS = {"clicked": "toved", "liked": "gimbled", "commented": "momed", "shared": "rathed", "followed": "outgrabed", "hidden": "bandered"}
USERS = [f"u{number:06}" for number in range(0, 120, 7)] + ["a-stranger"]
BOOST = {"taste": 2.5, "label": "boosted"}


def replaced(text: str, patterns: dict[str, str]) -> str:
    for pattern, nonsense in patterns.items():
        text = re.sub(pattern, nonsense, text)
    return text


def renamed(properties: dict) -> dict:
    return {PROPERTIES.get(name, name): value for name, value in properties.items()}


def with_renamed_properties(schema: dict) -> dict:
    other = dict(schema)
    if "properties" in schema:
        other["properties"] = renamed(schema["properties"])
    if "required" in schema:
        other["required"] = [PROPERTIES.get(name, name) for name in schema["required"]]
    if "anyOf" in schema:
        other["anyOf"] = [with_renamed_properties(choice) for choice in schema["anyOf"]]
    return other


def in_nonsense(event: dict) -> dict:
    """The event as the other app's client would send it."""
    other = {**event, "event": EVENTS.get(event["event"], event["event"])} if "event" in event else dict(event)
    for member in ("properties", "traits"):
        if member in other:
            other[member] = renamed(other[member])
    return other


def quoted(text: str, names: dict[str, str], quote: str) -> str:
    for name, nonsense in names.items():
        text = text.replace(f"{quote}{name}{quote}", f"{quote}{nonsense}{quote}")
    return text


def to_nonsense(project: pathlib.Path) -> None:
    """Every name of an event, an action, a label, the kind of item and its properties, wherever the project says it."""
    for path in list(project.glob("events/*.json")):
        schema = json.loads(path.read_text())
        path.unlink()
        title = EVENTS.get(schema["title"], schema["title"])
        (project / f"events/{title}.json").write_text(json.dumps({**with_renamed_properties(schema), "title": title}))
    for path in [*project.glob("warehouse/**/*.sql"), *project.glob("warehouse/**/*.dqdl")]:
        text = replaced(quoted(quoted(path.read_text(), EVENTS, "'"), LABELS, '"'), COLUMNS)
        path.unlink()
        path.with_name(replaced(path.name, COLUMNS)).write_text(text)
    for path in project.glob("features/*.toml"):
        lines = path.read_text().splitlines(keepends=True)
        text = "".join(quoted(line, ACTIONS, '"') if re.match("action|numerator|denominator", line) else line for line in lines)
        path.write_text(text.replace('key = "post"', f'key = "{KIND[1]}"').replace('key = "user_topic"', f'key = "user_{PROPERTIES["topic"]}"').replace('number = "text_length"', f'number = "{PROPERTIES["text_length"]}"'))
    domain = quoted(quoted(quoted((project / "domain.toml").read_text(), EVENTS, '"'), LABELS, '"'), PROPERTIES, '"').replace(f"[item.{KIND[0]}]", f"[item.{KIND[1]}]")
    domain = replaced(domain, {rf"\b{field} = ": f"{PROPERTIES[field]} = " for field in FIELDS})
    (project / "domain.toml").write_text(re.sub(r"^\[action\.(\w+)\]", lambda found: f"[action.{ACTIONS[found[1]]}]", domain, flags=re.M))
    for path in project.glob("feed/*.toml"):
        path.write_text(replaced(path.read_text(), {rf"\b(item|user)\.{field}\b": rf"\1.{PROPERTIES[field]}" for field in FIELDS}))
    rank = (project / "models/rank.toml").read_text()
    (project / "models/rank.toml").write_text(re.sub(r"^\[action\.(\w+)\]", lambda found: f"[action.{ACTIONS[found[1]]}]", rank, flags=re.M))
    als = (project / "models/als.toml").read_text()
    (project / "models/als.toml").write_text(re.sub(r"^(\w+) = ", lambda found: f"{EVENTS.get(found[1], found[1])} = ", als, flags=re.M))


def world_in_nonsense(text: str) -> str:
    """The file of a synthetic world, for the app that to_nonsense makes."""
    text = quoted(quoted(text, EVENTS, '"'), PROPERTIES, '"')
    return re.sub(r"^\[behaviour\.(\w+)\]", lambda found: f"[behaviour.{ACTIONS.get(found[1], found[1])}]", text, flags=re.M)


def add_boost(project: pathlib.Path) -> None:
    """What an app does that gets a boost button: the event, and what it means."""
    schema = json.loads((project / "events/like.json").read_text())
    (project / "events/boost.json").write_text(json.dumps({**schema, "title": "boost", "description": "A post was boosted."}))
    with open(project / "domain.toml", "a") as domain:
        domain.write(f'\n[action.boost]\nevent = "boost"\ntaste = {BOOST["taste"]}\nlabel = "{BOOST["label"]}"\n')
    with open(project / "models/rank.toml", "a") as rank:
        rank.write("\n[action.boost]\npositives_min = 20\n")
    with open(project / "features/post.toml", "a") as features:
        features.write('\n[[feature]]\nname = "post_boosts"\nkind = "log_count"\nkey = "post"\naction = "boost"\nhalf_lives = ["7d"]\n')


def ready_text(platform: Platform) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{platform.port}/readyz") as reply:
        return reply.read().decode()


def without_fields(project: pathlib.Path) -> None:
    """Before anybody had thought of rules."""
    domain = project / "domain.toml"
    domain.write_text(re.sub(r"^fields = .*\n", "", domain.read_text(), flags=re.M))
    for path in project.glob("feed/*.toml"):
        path.write_text(re.sub(r"^rules = \[.*?^\]\n", "", path.read_text(), flags=re.M | re.S))


def with_fields(events: list[dict]) -> list[dict]:
    """Some posts are not for everybody, some are of another language, and some users say what they read."""
    told = []
    for number, event in enumerate(events):
        if event.get("event") == "post_create":
            properties = {**event["properties"], "lang": ("en", "de", "fr")[number % 3], **({"nsfw": number % 2 == 0} if number % 5 < 2 else {})}
            event = {**event, "properties": properties}
        if event.get("type") == "identify":
            traits = {**event["traits"], **({"langs": ["en", "de"]} if number % 2 else {}), **({"adult": True} if number % 3 == 0 else {})}
            event = {**event, "traits": traits}
        told.append(event)
    return told


def boosts_of(events: list[dict]) -> list[dict]:
    """Two of three that liked a post boosted it as well, at once."""
    likes = [event for event in events if event.get("event") == "like"]
    return [{**like, "event": "boost", "messageId": f"boost-{like['messageId']}"} for number, like in enumerate(likes) if number % 3 != 2]


class Words:
    def __init__(self, checks: Checks, folder: pathlib.Path):
        self.checks, self.folder = checks, folder
        self.platforms: list[Platform] = []
        self.events: list[dict] = []
        self.until = ""

    def open(self, name: str, change=None) -> Platform:
        platform = Platform(self.folder / name, *SETTINGS)
        if change:
            change(platform.project)
        self.platforms.append(platform)
        platform.start()
        return platform

    def history(self) -> None:
        self.plain = self.open("plain")
        file = self.folder / "history.jsonl"
        self.until = self.plain.verb("simulate history", "--world", self.plain.world, "--out", file)["until"]
        self.events = with_fields([json.loads(line) for line in file.read_text().splitlines()])

    def simulated(self) -> None:
        """The synthetic app reads its words from the world's file: nonsense there is the same life in other words."""
        small = "[size]\nusers = 120\nnew_users = 12\nauthors = 24\nhistory_days = 1\n"
        said = []
        for name, words in (("sense", str), ("words", world_in_nonsense)):
            world, file = self.folder / f"{name}.toml", self.folder / f"{name}.jsonl"
            text = re.sub(r"^\[size\]\n.*?(?=^\[)", small, (ROOT / "examples/worlds/social.toml").read_text(), flags=re.M | re.S)
            world.write_text(words(text))
            self.plain.verb("simulate history", "--world", world, "--out", file)
            said.append([json.loads(line) for line in file.read_text().splitlines()])
        told = {event.get("event", event["type"]) for event in said[0]}
        self.checks.check("simulated: all that people do there", told >= {"identify", "app_open", "post_create", "feed_impression", "post_click", "dwell", "like", "comment", "share", "save",
                                                                         "watch_complete", "follow", "hide"}, told)
        self.checks.check("simulated: the same life in other words", [in_nonsense(event) for event in said[0]] == said[1], (len(said[0]), len(said[1])))

    def give(self, platform: Platform, events: list[dict], name: str) -> None:
        file = self.folder / f"{name}.jsonl"
        file.write_text("".join(json.dumps(event) + "\n" for event in events))
        # In one order, because keys of users and posts, which settle ties, are given as events come.
        said = platform.verb("import", file, "--connections", 1, "--url", f"http://127.0.0.1:{platform.port}")
        self.checks.equal(f"{name}: every event is accepted", said["accepted"], len(events))

    def lived(self, platform: Platform) -> dict:
        run = platform.nightly(self.until, "--force-promote")
        platform.restart()
        return run

    def feeds(self, platform: Platform) -> list:
        return [[(item["id"], round(item["score"], 9)) for item in platform.feed(user, scene=scene)["items"]]
                for user in USERS for scene in ("home", "trending", "following")]

    def rules_hold(self, platform: Platform) -> None:
        """Every item that a feed shows is one that the rules of its scene let through."""
        posts = {event["properties"]["post_id"]: event["properties"] for event in self.events if event.get("event") == "post_create"}
        users: dict[str, dict] = {}
        for event in self.events:
            if event.get("type") == "identify":
                users.setdefault(event["userId"], {}).update(event["traits"])
        shown = {True: 0, False: 0}
        wrong, foreign = [], 0
        for user in USERS:
            traits = users.get(user, {})
            for item in platform.feed(user, scene="home")["items"]:
                post = posts[item["id"]]
                shown[post.get("nsfw", False)] += 1
                foreign += post["lang"] not in ("en", "de")
                if (post.get("nsfw") and not traits.get("adult")) or ("langs" in traits and post["lang"] not in traits["langs"]):
                    wrong.append((user, item["id"]))
        self.checks.equal("rules: nobody is shown what is not for them", wrong, [])
        self.checks.check("rules: and those who asked for it are", shown[True] > 0 and shown[False] > 0 and foreign > 0, (shown, foreign))

    def fields_later(self) -> None:
        """Fields and rules that an app with history gets: served all the while, and as if they had been there always."""
        check = self.checks
        late = self.open("late", without_fields)
        self.give(late, self.events, "late")
        self.lived(late)
        check.check("late: feeds are others without rules", self.feeds(late) != self.feeds(self.plain))
        late.stop()
        for name in ("domain.toml", *(f"feed/{path.name}" for path in (self.plain.project / "feed").glob("*.toml"))):
            shutil.copy(self.plain.project / name, late.project / name)
        late.start()
        check.check("late: feeds are served at once", late.feed("u000050", scene="home")["items"])
        deadline = time.monotonic() + 60
        while "the past of" in ready_text(late) and time.monotonic() < deadline:
            time.sleep(0.1)
        check.check("late: and are as if fields had been there always", self.feeds(late) == self.feeds(self.plain))
        late.stop()
        late.start()
        check.check("late: known from then on", "the past of" not in ready_text(late))
        check.check("late: after a restart too", self.feeds(late) == self.feeds(self.plain))
        late.stop()
        self.platforms.remove(late)

    def nonsense(self) -> None:
        check = self.checks
        self.give(self.plain, self.events, "plain")
        plain = self.lived(self.plain)
        self.rules_hold(self.plain)
        other = self.open("nonsense", to_nonsense)
        self.give(other, [in_nonsense(event) for event in self.events], "nonsense")
        nonsense = self.lived(other)
        for figure in ("auc", "ndcg10"):
            check.check(f"figures: {figure} is measured", isinstance(plain.get(figure), float), plain)
            check.equal(f"figures: {figure}", nonsense.get(figure), plain.get(figure))
        labels = ", ".join(f"sum({name}) AS {name}" for name in LABELS)
        wanted = self.plain.query(f"SELECT {labels}, sum(dwell_ms) AS dwell FROM dwd_impression")[0]
        check.check("labels: there are some of each", all(wanted[name] > 0 for name in ("clicked", "liked", "commented", "shared", "hidden")), wanted)
        found = other.query(f"SELECT {', '.join(f'sum({nonsense}) AS {name}' for name, nonsense in LABELS.items())}, sum(dwell_ms) AS dwell FROM dwd_impression")
        check.equal("labels: as many of each", found, [wanted])
        for table in ("ads_recall_i2i", "ads_recall_u2u_cf", "ads_trending"):
            rows = f"SELECT * FROM {table} ORDER BY ALL"
            check.check(f"{table}: has rows", len(self.plain.query(rows)) > 50)
            check.equal(f"{table}: the same rows", [list(row.values()) for row in other.query(rows)], [list(row.values()) for row in self.plain.query(rows)])
        feeds = self.feeds(self.plain)
        check.check("feeds: full pages", sum(len(page) for page in feeds) > 5 * len(feeds), feeds)
        check.equal("feeds: the same pages and scores", self.feeds(other), feeds)
        user, sample = "u000050", "SELECT COUNT(*) AS rows, SUM(f_post_text_length) AS lengths, SUM(f_post_age) AS ages FROM ads_sample_ctr"
        check.equal("samples: as long and as old", other.query(sample), self.plain.query(sample))
        counters = [len(platform.query(f"SELECT * FROM {table}")) for platform, table in ((self.plain, "ads_post_features"), (other, f"ads_{KIND[1]}_features"))]
        check.check("counters of items: in a table named after the kind", counters[0] == counters[1] > 50, counters)
        titles = [[item["id"] for item in platform.feed(user, context={"topics": [self.plain.query("SELECT topic FROM dwd_post LIMIT 1")[0]["topic"]]})["items"]]
                  for platform in (self.plain, other)]
        check.equal("feeds: a page of one topic, by its new name", titles[1], titles[0])
        models = sorted(path.name for path in other.project.glob("data/bundles/*/rank_*.model"))
        check.check("models: named by the app's words", "rank_tove.model" in models and not any("click" in name for name in models), models)

    def boost_button(self) -> None:
        """From the start in one project, added to an app with history in the other: the same in the end."""
        check = self.checks
        boosts = boosts_of(self.events)
        early = self.open("early", add_boost)
        self.give(early, self.events, "early")
        self.give(early, boosts, "early boosts")
        self.lived(early)
        late = self.plain
        late.stop()
        add_boost(late.project)
        late.start()
        self.give(late, boosts, "late boosts")
        self.lived(late)
        for platform, name in ((early, "from the start"), (late, "added")):
            wanted = platform.query("SELECT count(DISTINCT request_id || post_id || user_id) AS n FROM dwd_user_action WHERE event_name = 'boost' AND request_id IS NOT NULL")[0]["n"]
            shown = platform.query("SELECT sum(boosted) AS n FROM dwd_impression")[0]["n"]
            check.check(f"{name}: impressions that led to a boost", wanted > 100 and shown >= 0.9 * wanted, (shown, wanted))
            check.equal(f"{name}: as many samples are labelled", platform.query("SELECT sum(boost) AS n FROM ads_sample_ctr")[0]["n"], shown)
            newest = max(platform.project.glob("data/bundles/*/manifest.json"), key=lambda path: path.stat().st_mtime).parent
            check.check(f"{name}: a model of its own", (newest / "rank_boost.model").exists(), sorted(path.name for path in newest.iterdir()))
        for table in ("dwd_impression", "ads_recall_i2i", "ads_trending", "ads_sample_ctr"):
            columns = sorted(f'"{column}"' for column in set(early.query(f"SELECT * FROM {table} LIMIT 1")[0]) - {"event_id"})
            rows = f"SELECT {', '.join(columns)} FROM {table} ORDER BY ALL"
            check.equal(f"{table}: added later as from the start", digest(late.query(rows)), digest(early.query(rows)))
        user, post = "u000050", late.feed("u000050")["items"][0]["id"]
        position = late.track("boost", user, {"post_id": post})
        check.check("live: what was boosted is not shown again", post not in [item["id"] for item in late.feed(user, after=position)["items"]])

    def refused(self) -> None:
        """Mistakes are named with place, found and allowed."""
        check, project = self.checks, self.plain.project
        domain = (project / "domain.toml").read_text()
        for name, wrong, wanted in (
                ("a label twice", '[action.keep]\nevent = "boost"\nlabel = "boosted"\n', "a column that no other action has"),
                ("a label that is no name", '[action.keep]\nevent = "boost"\nlabel = "no name"\n', "a name of small letters"),
                ("a label of what is not counted", '[action.keep]\nevent = "boost"\ncounted = false\nlabel = "kept"\n', "not counted is not learned")):
            (project / "domain.toml").write_text(domain + "\n" + wrong)
            said = self.plain.try_verb("config check")
            check.check(f"{name}: refused", said.returncode != 0 and wanted in said.stdout + said.stderr, said.stdout + said.stderr)
        (project / "domain.toml").write_text(domain + '\n[action.position]\nevent = "boost"\nlabel = "placed"\n')
        said = self.plain.try_verb("run", "--until", self.until)
        check.check("an action named like a column of the samples: refused", said.returncode != 0 and "a column of its own called position" in said.stdout + said.stderr,
                    said.stdout + said.stderr)
        (project / "domain.toml").write_text(domain)


def digest(rows: list[dict]) -> tuple:
    return len(rows), hash(json.dumps(rows, sort_keys=True))


def main() -> None:
    checks = Checks()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="feedmill_words_"))
    words = Words(checks, folder)
    try:
        for part in (words.history, words.simulated, words.nonsense, words.fields_later, words.boost_button, words.refused):
            checks.part(part)
    finally:
        for platform in words.platforms:
            platform.stop()
    if not checks.failed:
        shutil.rmtree(folder)
    checks.finish()


if __name__ == "__main__":
    main()
