"""What life does to a platform by day. Each function is one disorder at one hour; its docstring is printed with what it did."""

import datetime
import json

from app import in_background
from world import text_of

DAY = datetime.timedelta(days=1)
CUT_LINES = 3
IMPORTED = "import:"   # an event id is the app's own messageId, or another key's with its name before it


def some(app, count: int) -> list:
    return app.random.sample(app.world.people, min(count, len(app.world.people)))


def recent_posts(app, count: int) -> list:
    posts = list(app.world.posts.values())
    return app.random.sample(posts[-200:], min(count, len(posts), 200))


def late_hours(app) -> str:
    """Phones were offline: events of the last twenty hours come in now."""
    for person, post in zip(some(app, 20), recent_posts(app, 20)):
        app.message("post_click", person.id, {"post_id": post.id}, at=app.platform.now - app.random.random() * 20 * DAY / 24)
    app.flush()
    return "20 clicks of the last 20 hours"


def late_days(app) -> str:
    """A phone comes back after days: events one to six days old."""
    for person, post in zip(some(app, 20), recent_posts(app, 20)):
        app.message("like", person.id, {"post_id": post.id}, at=app.platform.now - DAY * app.random.uniform(1, 5.9))
    app.flush()
    return "20 likes one to six days old"


def late_months(app) -> str:
    """One commit holds a fresh event and one of 40 days to ten months ago."""
    for person, post in zip(some(app, 5), recent_posts(app, 5)):
        app.message("post_click", person.id, {"post_id": post.id})
        app.message("post_click", person.id, {"post_id": post.id}, at=app.platform.now - DAY * app.random.uniform(40, 300))
    app.flush()
    return "5 clicks of 40 to 300 days ago beside 5 of now"


def burst(app) -> str:
    """Eight times the usual hour."""
    before = app.count
    app.hour(8)
    return f"{app.count - before} events in one hour"


def anonymous_first(app) -> str:
    """Visitors act without a name, then identify: analytics.js always does so."""
    for person, post in zip(some(app, 5), recent_posts(app, 5)):
        visitor = f"anon-{app.count}"
        app.message("app_open", None, {}, anonymousId=visitor)
        app.message("post_view", None, {"post_id": post.id}, anonymousId=visitor)
        app.message(None, person.id, None, fate="no_action", type="identify", anonymousId=visitor, traits={"country": "CZ", "topics": ["cats"]})
        app.message(None, person.id, {"url": "/"}, fate="no_action", type="page", name="Home")
    app.flush()
    return "5 visitors: 2 nameless events each, identify, page"


def equal_instants(app) -> str:
    """Follow, unfollow and follow of one person in one batch, without times: one instant for all."""
    people = some(app, 6)
    for person in people:
        author = app.random.choice(app.world.authors)
        for event in app.random.choice([["follow", "unfollow"], ["follow", "unfollow", "follow"], ["unfollow", "follow"]]):
            app.message(event, person.id, {"target_user_id": author})
            (person.follows.add if event == "follow" else person.follows.discard)(author)
    for post in recent_posts(app, 3):
        for length in (10, 20, 30):
            app.message("post_create", post.author, {"post_id": post.id, "topic": app.topic(post), "text_length": length})
    app.flush()
    return f"{len(people)} people follow and unfollow, 3 posts change twice, all within one instant"


def client_clocks(app) -> str:
    """Phones with clocks years off, with and without `sentAt`."""
    now = app.platform.now
    for shift in (-3650 * DAY, -400 * DAY, 10 * DAY, 3650 * DAY):
        person, post = some(app, 1)[0], recent_posts(app, 1)[0]
        # What both clocks say is a minute ago: the door takes the difference.
        app.message("like", person.id, {"post_id": post.id}, timestamp=text_of(now + shift - DAY / 1440), sentAt=text_of(now + shift))
    person, post = some(app, 1)[0], recent_posts(app, 1)[0]
    # Without `sentAt` there is nothing to take the difference of: an hour ahead is taken as now, years are refused.
    app.message("like", person.id, {"post_id": post.id}, timestamp=text_of(now + DAY / 24))
    app.message("like", person.id, {"post_id": post.id}, fate="refused:time_in_future", timestamp=text_of(now + 3650 * DAY))
    app.flush()
    return "4 likes by clocks up to ten years off, one an hour ahead, one refused"


def sent_again(app) -> str:
    """Clients that missed the answer send again, minutes to days later."""
    kept = [(name, sent) for name, sent in app.ledger.events.items() if sent.acknowledged and sent.fate == "kept" and name in app.bodies]
    young = [name for name, sent in kept if app.platform.now - app.bodies_at[name] < 6 * DAY]
    names = app.random.sample(young, min(40, len(young)))
    for name in names:
        app.ledger.repeated += 1
        app.waiting.append(app.bodies[name])
    app.flush()
    return f"{len(names)} messages of up to six days ago once more"


def changed_posts(app) -> str:
    """Authors edit: the same post again, with another topic and length."""
    posts = recent_posts(app, 6)
    for post in posts:
        post.topic = app.random.randrange(8)
        app.world.removed.discard(post.id)   # made again, it is back
        app.message("post_create", post.author, {"post_id": post.id, "topic": app.topic(post), "text_length": post.text_length + 1})
    app.flush()
    return f"{len(posts)} posts changed topic"


def removed_posts(app) -> str:
    """Authors take posts away: nobody is shown them from the next feed on."""
    posts = [post for post in recent_posts(app, 4) if post.id not in app.world.removed]
    for post in posts:
        app.message("post_delete", post.author, {"post_id": post.id})
    counts_from_here_on(app, app.flush())
    app.world.removed |= {post.id for post in posts}
    return f"{len(posts)} posts removed"


def withdrawn_posts(app) -> str:
    """Somebody watches over the app: posts are taken down and some put back, whatever their authors do."""
    back = app.random.sample(sorted(app.world.withdrawn), min(2, len(app.world.withdrawn)))
    down = [post.id for post in recent_posts(app, 4) if post.id not in app.world.withdrawn]
    position = ""
    for method, posts in (("DELETE", back), ("PUT", down)):
        for post in posts:
            app.count += 1
            name = f"m{app.seed}-{app.count}"
            app.ledger.note(IMPORTED + name, "kept", app.platform.now, app.disorder)
            position = app.platform.good(method, f"/v1/withdrawn/post/{post}", {"messageId": name}, "import")["position"]
            app.ledger.acknowledge([IMPORTED + name])
    counts_from_here_on(app, position)
    app.world.withdrawn = (app.world.withdrawn - set(back)) | set(down)
    return f"{len(down)} posts taken down, {len(back)} put back"


def blocks(app) -> str:
    """People block authors and take it back: neither is shown what the other writes."""
    back = app.random.sample(sorted(app.world.blocks), min(3, len(app.world.blocks)))
    fresh = [(person.id, app.random.choice(app.world.authors)) for person in some(app, 8)]
    fresh = [pair for pair in fresh if pair[0] != pair[1] and pair not in app.world.blocks]
    for event, pairs in (("unblock", back), ("block", fresh)):
        for person, author in pairs:
            app.message(event, person, {"target_user_id": author})
    counts_from_here_on(app, app.flush())
    app.world.blocks = (app.world.blocks - set(back)) | set(fresh)
    return f"{len(set(fresh))} blocks, {len(back)} taken back"


def counts_from_here_on(app, position: str) -> None:
    """What was sent up to there is seen by every feed that is asked from here on."""
    while position and any(why.startswith("after:") for why in app.platform.feed("somebody", after=position)["degraded"]):
        pass


def bots(app) -> str:
    """Crawlers open what they find; a phone that is called Cubot is none."""
    for agent, fate in (("Mozilla/5.0 (compatible; Googlebot/2.1)", "bot"), ("my-crawler/1.0", "bot"), ("Mozilla/5.0 (Linux; Android 11; CUBOT NOTE 20) Chrome/131 Mobile", "kept")):
        for post in recent_posts(app, 4):
            app.message("post_view", "visitor-of-" + fate, {"post_id": post.id}, fate=fate, context={"userAgent": agent})
    app.flush()
    return "8 views by crawlers, 4 by a Cubot phone"


def hostile_user(app) -> str:
    """One account hammers one post at one instant."""
    person, post = some(app, 1)[0], recent_posts(app, 1)[0]
    for _ in range(app.hostile_rows // 2):
        app.message("feed_impression", person.id, {"post_id": post.id, "request_id": f"made-up-{app.count}", "position": 0})
        app.message("post_click", person.id, {"post_id": post.id})
    app.flush()
    return f"{app.hostile_rows} rows of one user on one post"


def hostile_post(app) -> str:
    """Everybody's bot farm: thousands of new users on one post."""
    post = recent_posts(app, 1)[0]
    for number in range(app.hostile_rows // 2):
        app.message("like", f"farm{app.seed}-{app.day}-{number}", {"post_id": post.id})
    app.flush()
    return f"{app.hostile_rows // 2} users seen once on one post"


def odd_names(app) -> str:
    """Ids that are empty-looking, long, or of other alphabets; posts nobody made; people who follow themselves."""
    person = some(app, 1)[0]
    for name in (" ", "0", "null", "ü" * 60, "пост-1", "a\tb", "'; DROP TABLE x; --", "../../etc/passwd", "🦊" * 30, "p" * 128):
        app.message("post_view", name[:100], {"post_id": name})
        app.message("like", person.id, {"post_id": "never-made-" + name[:60]})
    app.message("follow", person.id, {"target_user_id": person.id})
    app.flush()
    return "20 events with odd names, one follow of oneself"


def schema_mistakes(app) -> str:
    """Releases with mistakes in them: each wrong message is kept with its reason, its neighbours land."""
    person, post = some(app, 1)[0], recent_posts(app, 1)[0]
    for event, properties, rule in (
        ("like", {}, "missing_property"), ("like", {"post_id": 7}, "wrong_type"), ("like", {"post_id": ""}, "too_short"),
        ("like", {"post_id": post.id, "mood": "sunny"}, "unknown_property"), ("no_such_event", {}, "unknown_event"),
        ("dwell", {"post_id": post.id, "dwell_ms": -5}, "too_small"), ("dwell", {"post_id": post.id, "dwell_ms": 1.5}, "wrong_type"),
        ("search", {"query": "half an emoji \ud83d"}, "malformed_json"), ("dwell", {"post_id": post.id, "dwell_ms": 10**30}, "number_out_of_range"),
    ):
        app.message(event, person.id, properties, fate=f"refused:{rule}")
        app.message("post_view", person.id, {"post_id": post.id})
    app.flush()
    return "9 messages that break the tracking plan or JSON, each beside a good one"


def new_event(app) -> str:
    """A release brings an event and a property that were not there yesterday."""
    folder = app.platform.project / "events"
    name = f"save_item_{app.day}"
    (folder / f"{name}.json").write_text(json.dumps({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": name, "description": "The user saved something.", "type": "object",
        "properties": {"post_id": {"type": "string", "minLength": 1, "maxLength": 128, "description": "the post"},
                       f"shelf_{app.day}": {"type": "string", "maxLength": 64, "description": "where it was put"}},
        "required": ["post_id"], "additionalProperties": False,
    }))
    like = json.loads((folder / "like.json").read_text())
    like["properties"][f"reaction_{app.day}"] = {"type": "string", "maxLength": 32, "description": "which heart"}
    (folder / "like.json").write_text(json.dumps(like))
    app.platform.restart()
    person, post = some(app, 1)[0], recent_posts(app, 1)[0]
    app.message(name, person.id, {"post_id": post.id, f"shelf_{app.day}": "later"})
    app.message("like", person.id, {"post_id": post.id, f"reaction_{app.day}": "wow"})
    app.flush()
    return f"event {name} and a property of like, after a restart"


def import_beside(app) -> str:
    """Somebody imports two years of an old app's events while people ask for feeds."""
    app.imports += 1
    path = app.platform.project.parent / f"import-{app.imports}.jsonl"
    rows = []
    for number in range(app.import_rows):
        name = f"import{app.seed}-{app.imports}-{number}"
        at = app.platform.now - DAY * app.random.uniform(0.5, 6)
        rows.append({"type": "track", "event": "post_view", "messageId": name, "userId": f"old{number % 97}", "timestamp": text_of(at),
                     "properties": {"post_id": f"oldpost{number % 53}"}})
        app.ledger.note(IMPORTED + name, "kept", at, app.disorder)
    lines = [json.dumps(row) for row in rows]
    for number in app.random.sample(range(len(lines)), CUT_LINES):   # a full disk, a broken copy: nobody's event
        lines.insert(number, lines[number][: app.random.randrange(1, len(lines[number]))])
    path.write_text("\n".join(lines) + "\n")
    importing = in_background(app.platform.command("import", path, "--url", f"http://127.0.0.1:{app.platform.port}", "--batch", 500))
    while importing.poll() is None:
        for person in some(app, 3):
            app.feed(person.id, "home")
    out, err = importing.communicate()
    if importing.returncode:
        raise RuntimeError(f"import: {importing.returncode}: {err[-1000:]}")
    figures = json.loads(out.strip().splitlines()[-1])
    if figures["accepted"] != len(rows) or figures["unreadable"] != CUT_LINES:
        raise RuntimeError(f"import: of {len(rows)} rows {figures}")
    app.ledger.acknowledge([IMPORTED + row["messageId"] for row in rows])
    return f"{len(rows)} events imported beside feeds, {CUT_LINES} cut lines among them"


def restart(app) -> str:
    """An ordinary restart in the middle of the day."""
    app.platform.restart()
    return "stopped and started"


def kill(app) -> str:
    """kill -9 with a batch on its way."""
    for person, post in zip(some(app, 30), recent_posts(app, 30)):
        app.message("post_view", person.id, {"post_id": post.id})
    app.platform.kill()
    app.flush()   # starts it again
    return "killed; 30 events sent again until they were taken"


BY_DAY = [late_hours, late_days, late_months, burst, anonymous_first, equal_instants, client_clocks, sent_again, changed_posts, removed_posts, withdrawn_posts,
          blocks, bots, hostile_user, hostile_post, odd_names, schema_mistakes, new_event, import_beside, restart, kill]
