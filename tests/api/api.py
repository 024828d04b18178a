#!/usr/bin/env python3
"""Every documented operation is asked of a running server and answers as documented; every route the sources have is documented; an old
request is explained from the lake after a restart."""

import http.client
import json
import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from local_platform import Checks, Platform  # noqa: E402

ORIGIN = "https://app.example"
DOCUMENT = ROOT / "docs/reference/openapi.json"
KEYS = {"writeKey": "write", "importKey": "import", "readKey": "read", "adminToken": "admin"}
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}


class Schemas:
    """As much of JSON Schema as the document uses; a keyword it does not know is an error."""

    KNOWN = {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "description", "format", "minimum", "maximum",
             "minLength", "maxLength", "minItems", "maxItems", "default", "examples", "$ref"}

    def __init__(self, document: dict):
        self.document = document

    def resolve(self, node: dict) -> dict:
        while "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def faults(self, value: object, schema: dict, at: str) -> list[str]:
        schema = self.resolve(schema)
        faults = [f"{at}: the schema has the unknown word {word}" for word in schema.keys() - self.KNOWN]
        if "const" in schema and value != schema["const"]:
            faults.append(f"{at}: found {value!r}, allowed {schema['const']!r}")
        if "enum" in schema and value not in schema["enum"]:
            faults.append(f"{at}: found {value!r}, allowed {schema['enum']}")
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        right = any(isinstance(value, TYPES[name]) and not (isinstance(value, bool) and name != "boolean") for name in types)
        if types and not right:
            return faults + [f"{at}: found {json.dumps(value)[:80]}, allowed {types}"]
        if isinstance(value, dict):
            faults += self.object_faults(value, schema, at)
        if isinstance(value, list) and "items" in schema:
            for place, element in enumerate(value):
                faults += self.faults(element, schema["items"], f"{at}[{place}]")
        return faults

    def object_faults(self, value: dict, schema: dict, at: str) -> list[str]:
        faults = [f"{at}: {name} is missing" for name in schema.get("required", []) if name not in value]
        more = schema.get("additionalProperties", False)
        for name, member in value.items():
            if name in schema.get("properties", {}):
                faults += self.faults(member, schema["properties"][name], f"{at}.{name}")
            elif isinstance(more, dict):
                faults += self.faults(member, more, f"{at}.{name}")
            elif more is False and schema.get("properties"):
                faults.append(f"{at}: {name} is not documented")
        return faults


def source_routes() -> set[tuple[str, str]]:
    """(method, path) as the sources list them; the short forms of the event paths are told in words."""
    collector = (ROOT / "src/ingest/collector.cc").read_text()
    console = (ROOT / "src/console/console_service.cc").read_text()
    events = re.findall(r'\{"(/v1/\w{2,})", "\w*"\}', collector)
    admin = re.findall(r'\{"(GET|POST)", "([\w/]+)", &ConsoleServiceImpl', console)
    router = re.findall(r'request\.path == "(/[\w./]+)"', (ROOT / "src/app/router.cc").read_text())
    collector_reads = re.findall(r'kPositionPath = "(/[\w./]+)"', collector)
    public = {("get", path) for path in router if path not in ("/console", "/v1/feed", "/")}
    return {("post", path) for path in events} | {("get", path) for path in collector_reads} | {(method.lower(), f"/v1/admin/{name}") for method, name in admin} | public


class Api:
    def __init__(self, checks: Checks, platform: Platform):
        self.checks = checks
        self.platform = platform
        self.document = json.loads(DOCUMENT.read_text())
        self.schemas = Schemas(self.document)
        self.request_id = ""

    def prepare(self) -> None:
        for number in range(12):
            properties = {"post_id": f"p{number}", "topic": "music", "text_length": 80, "title": f"Song {number}"}
            position = self.platform.track("post_create", "bob", properties, messageId=f"post-{number}")
        self.request_id = self.platform.feed("ada", n=5, after=position)["request_id"]

    def operations(self):
        for path, operations in self.document["paths"].items():
            for method, operation in operations.items():
                yield method, path, operation

    def ask(self, method: str, path: str, operation: dict, key: str) -> tuple[int, dict]:
        address = path.replace("{request_id}", self.request_id).replace("{write_key}", self.platform.keys["write"]).replace("{kind}", "post").replace("{id}", "p3")
        query = [f"{one['name']}={one['example']}" for one in operation.get("parameters", []) if one["in"] == "query" and "example" in one]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        return self.platform.call(method.upper(), address + ("?" + "&".join(query) if query else ""), content.get("example"), key)

    def operation(self, method: str, path: str, operation: dict) -> None:
        name = f"{method.upper()} {path}"
        schemes = [scheme for choice in operation.get("security", []) for scheme in choice]
        status, answer = self.ask(method, path, operation, KEYS[schemes[0]] if schemes else "")
        responses = operation["responses"]
        self.checks.check(f"{name}: the status is documented", str(status) in responses, (status, answer))
        if str(status) in responses:
            content = self.schemas.resolve(responses[str(status)]).get("content", {})
            if "application/json" in content:
                self.checks.equal(f"{name}: the answer is as documented", self.schemas.faults(answer, content["application/json"]["schema"], "answer")[:5], [])
        if schemes:
            status, answer = self.ask(method, path, operation, "")
            self.checks.equal(f"{name}: nothing without a key", status, 401)

    def every_operation(self) -> None:
        for method, path, operation in self.operations():
            if "text/event-stream" in operation["responses"]["200"].get("content", {}):
                self.checks.equal(f"GET {path}: nothing without a key", self.ask(method, path, operation, "")[0], 401)  # tests/live listens
            else:
                self.operation(method, path, operation)

    def every_route(self) -> None:
        documented = {(method, path) for method, path, _ in self.operations()}
        self.checks.equal("routes of the sources that are not documented", sorted(source_routes() - documented), [])
        ids = [operation["operationId"] for _, _, operation in self.operations()]
        self.checks.equal("operation ids are unique", len(ids), len(set(ids)))

    def served(self) -> None:
        status, answer = self.platform.call("GET", "/openapi.json")
        self.checks.check("/openapi.json is the document", status == 200 and answer == self.document, status)

    def explained_from_the_lake(self) -> None:
        path = "/v1/explain/" + self.request_id
        before = self.platform.good("GET", path, key="read")
        self.platform.land()
        self.platform.restart()
        status, after = self.platform.call("GET", path, key="read")
        self.checks.equal("an old request is explained from the lake", (status, after), (200, before))
        for unknown in ("0" * 30, "no-such-id"):
            self.checks.equal(f"{unknown[:4]}... is nobody's", self.platform.call("GET", "/v1/explain/" + unknown, key="read")[0], 404)

    def titles_from_the_lake(self) -> None:
        item = self.platform.feed("ada", n=5)["items"][0]
        asked = {"posts": [{"id": item["id"], "created_at": item["created_at"]}]}
        titles = self.platform.good("POST", "/v1/admin/titles", asked, key="admin")["titles"]
        self.checks.equal("titles come from the lake", titles, {item["id"]: "Song " + item["id"][1:]})

    def tiles_outlive_a_restart(self) -> None:
        state = self.platform.good("GET", "/v1/admin/state", key="admin")
        self.checks.check("events are counted over restarts", state["events_total"] >= 12, state["events_total"])
        self.checks.check("the last commit is known after a restart", state["lake_age_s"] is not None, state["lake_age_s"])
        events = self.platform.good("GET", "/v1/admin/events?limit=100", key="admin")["events"]
        self.checks.check("what arrived before a restart is shown", any(row["message_id"] == "post-11" for row in events), events[:2])

    def refusals_are_seen(self) -> None:
        self.platform.call("POST", "/v1/track", {"userId": "ada", "event": "post_create", "properties": {"post_id": 7}}, "write")
        self.platform.feed("ada", after=self.platform.track("app_open", "ada", {}))
        refused = self.platform.good("GET", "/v1/admin/events?kind=refused", key="admin")["events"]
        self.checks.check("a refused message is shown with its reason", bool(refused) and refused[0]["field"] == "properties.post_id", refused[:1])

    def refusals_may_be_read_by_pages(self) -> None:
        """Also those that the server gives before anybody has looked at the request."""
        for status, header, value in ((413, "Content-Length", "99999999"), (415, "Content-Encoding", "br")):
            for origin, wanted in ((ORIGIN, ORIGIN), ("https://other.example", None)):
                connection = http.client.HTTPConnection("127.0.0.1", self.platform.port, timeout=30)
                connection.putrequest("POST", "/v1/batch")
                for name, text in {"Origin": origin, "Content-Length": "1", header: value}.items():
                    connection.putheader(name, text)
                connection.endheaders()
                reply = connection.getresponse()
                self.checks.equal(f"{status} for a page of {origin}", (reply.status, reply.getheader("Access-Control-Allow-Origin")), (status, wanted))
                connection.close()


    def write(self, method: str, path: str, body: object = None, key: str = "write") -> tuple[int, dict]:
        return self.platform.call(method, path, body, key)

    def items_are_written(self) -> None:
        check, platform, path = self.checks, self.platform, "/v1/items/post/written"
        asked = {"userId": "carol", "properties": {"topic": "music", "text_length": 5, "lang": "de", "nsfw": True}}
        status, said = self.write("PUT", path, asked)
        check.equal("PUT: is on disk", (status, said["accepted"]), (200, 1))
        platform.feed("ada", after=said["position"])
        card = platform.good("GET", path, key="read")
        check.equal("GET: what was put", (card["author"], card["category"], card["numbers"], card["fields"]), ("carol", "music", {"text_length": 5}, {"lang": "de", "nsfw": True}))
        pages = [item["id"] for item in platform.feed("ada", n=50)["items"]]
        check.check("a rule keeps it from who has not asked for it", pages and "written" not in pages, pages)
        status, said = self.write("PUT", "/v1/users/ada", {"traits": {"adult": True, "langs": ["de", "en"]}})
        pages = [item["id"] for item in platform.feed("ada", n=50, after=said["position"])["items"]]
        check.check("and lets who has see it", "written" in pages, pages)
        check.equal("GET of a user", platform.good("GET", "/v1/users/ada", key="read")["fields"], {"langs": ["de", "en"], "adult": True})
        status, said = self.write("DELETE", path)
        pages = [item["id"] for item in platform.feed("ada", n=50, after=said["position"])["items"]]
        check.check("DELETE: on no page from then on", status == 200 and "written" not in pages, pages)
        check.check("DELETE: the card says when", "removed_at" in platform.good("GET", path, key="read"))
        status, said = self.write("PUT", path, {**asked, "properties": {**asked["properties"], "text_length": 6}})
        pages = [item["id"] for item in platform.feed("ada", n=50, after=said["position"])["items"]]
        check.check("PUT again: it is back", "written" in pages, pages)
        platform.land()
        rows = platform.query("SELECT event, user_id FROM ods_event WHERE post_id = 'written' ORDER BY log_offset")
        check.equal("the lake has the same events", [(row["event"], row["user_id"]) for row in rows], [("post_create", "carol"), ("post_delete", "carol"), ("post_create", "carol")])

    def pages_of(self, user: str, **asked) -> list[str]:
        return [item["id"] for item in self.platform.feed(user, n=100, **asked)["items"]]

    def items_are_withdrawn(self) -> None:
        check, platform, path = self.checks, self.platform, "/v1/withdrawn/post/taken"
        made = {"userId": "dora", "properties": {"topic": "music", "text_length": 5}}
        position = self.write("PUT", "/v1/items/post/taken", made)[1]["position"]
        check.check("withdrawn: it is shown before", "taken" in self.pages_of("abe", after=position))
        status, said = self.write("PUT", path)
        check.check("withdrawn: not with a key that may stand in a browser", status == 400 and "not_from_clients" in str(said), said)
        check.equal("withdrawn: nor as an event", platform.call("POST", "/v1/track", {"event": "post_takedown", "userId": "mod", "properties": {"post_id": "taken"}}, "write")[0], 400)
        status, said = self.write("PUT", path, {"userId": "mod", "properties": {"reason": "spam"}}, "import")
        check.check("withdrawn: on no page from then on", status == 200 and "taken" not in self.pages_of("abe", after=said["position"]), said)
        lists = [item["id"] for item in platform.good("GET", "/v1/latest/post?n=100", key="read")["items"]]
        check.check("withdrawn: on no list", "taken" not in lists and lists, lists)
        check.check("withdrawn: the card says when", "withdrawn_at" in platform.good("GET", "/v1/items/post/taken", key="read"))
        position = self.write("PUT", "/v1/items/post/taken", made)[1]["position"]
        check.check("withdrawn: its author cannot bring it back", "taken" not in self.pages_of("abe", after=position))
        position = self.write("PUT", "/v1/withdrawn/post/not-made-yet", None, "import")[1]["position"]
        position = self.write("PUT", "/v1/items/post/not-made-yet", made)[1]["position"]
        check.check("withdrawn: before it was made", "not-made-yet" not in self.pages_of("abe", after=position))
        platform.restart()
        check.check("withdrawn: after a restart too", not {"taken", "not-made-yet"} & set(self.pages_of("abe")))
        position = self.write("DELETE", path, None, "import")[1]["position"]
        check.check("restored: shown again", "taken" in self.pages_of("abe", after=position))
        check.check("restored: the card says nothing", "withdrawn_at" not in platform.good("GET", "/v1/items/post/taken", key="read"))
        platform.land()
        rows = platform.query("SELECT event, user_id, anonymous_id FROM ods_event WHERE post_id = 'taken' AND event LIKE 'post_%' ORDER BY log_offset")
        check.equal("withdrawn: the lake has who and when", [row["event"] for row in rows], ["post_create", "post_takedown", "post_create", "post_restore"])
        for what, method, where, key, wanted in (("no key", "PUT", path, "", 401), ("another kind", "PUT", "/v1/withdrawn/song/a", "import", 404),
                                                 ("another method", "GET", path, "import", 405), ("no id", "PUT", "/v1/withdrawn/post/", "import", 400)):
            check.equal(f"withdrawn: {what} is refused", platform.call(method, where, None, key)[0], wanted)

    def blocks_hide_both(self) -> None:
        check, platform = self.checks, self.platform
        made = {"topic": "music", "text_length": 5}
        for author in ("fay", "gus"):
            position = platform.track("post_create", author, {"post_id": f"by-{author}", **made})
        check.check("block: shown to each other before", "by-gus" in self.pages_of("fay", after=position) and "by-fay" in self.pages_of("gus"))
        position = platform.track("block", "fay", {"target_user_id": "gus"})
        check.check("block: the one is shown nothing of the other", "by-gus" not in self.pages_of("fay", after=position))
        check.check("block: nor the other way round", "by-fay" not in self.pages_of("gus"))
        check.check("block: others see both", {"by-fay", "by-gus"} <= set(self.pages_of("hal")))
        platform.restart()
        check.check("block: after a restart too", "by-gus" not in self.pages_of("fay") and "by-fay" not in self.pages_of("gus"))
        position = platform.track("unblock", "gus", {"target_user_id": "fay"})
        check.check("block: only who blocked takes it back", "by-fay" not in self.pages_of("gus", after=position))
        position = platform.track("unblock", "fay", {"target_user_id": "gus"})
        check.check("unblock: as before", "by-gus" in self.pages_of("fay", after=position) and "by-fay" in self.pages_of("gus"))
        supposed = platform.good("POST", "/v1/admin/feed", {"user_id": "fay", "n": 100, "dry_run": True, "suppose": [{"action": "block", "user_id": "fay", "author_id": "gus"}]}, "admin")
        check.check("block: supposed, it hides in that feed alone", "by-gus" not in [item["id"] for item in supposed["items"]] and "by-gus" in self.pages_of("fay"), supposed["items"])

    def items_expire(self) -> None:
        check, platform = self.checks, self.platform
        made = {"topic": "music", "text_length": 5}
        for post, day in (("over", "2020-01-01T00:00:00Z"), ("lasts", "2100-01-01T00:00:00Z"), ("always", None)):
            position = platform.track("post_create", "kim", {"post_id": post, **made, **({"expires_at": day} if day else {})})
        pages = self.pages_of("lea", after=position)
        check.check("expired: on no page", "over" not in pages and {"lasts", "always"} <= set(pages), pages)
        check.equal("expired: the card says when", platform.good("GET", "/v1/items/post/lasts", key="read")["fields"], {"expires_at": "2100-01-01T00:00:00.000000Z"})

    def lists_hold_to_rules(self) -> None:
        check, platform = self.checks, self.platform
        def listed(asked: str) -> set[str]:
            return {item["id"] for item in platform.good("GET", f"/v1/{asked}", key="read")["items"]}
        made = {"topic": "rules", "text_length": 5}
        for post, fields in (("plain", {}), ("gone", {"expires_at": "2020-01-01T00:00:00Z"}), ("naked", {"nsfw": True}), ("welsh", {"lang": "cy"})):
            position = platform.track("post_create", "moe", {"post_id": post, **made, **fields})
        self.write("PUT", "/v1/users/ned", {"traits": {"adult": True, "langs": ["de"]}})
        position = self.write("PUT", "/v1/users/ola", {"traits": {"langs": ["cy"]}})[1]["position"]
        platform.feed("ned", after=position)
        mine = {"plain", "gone", "naked", "welsh"}
        for kind in ("latest/post?category=rules&n=100", "popular/post?category=rules&n=100", "similar/post/plain?n=100"):
            others = mine - {"plain"} if kind.startswith("similar") else mine
            check.equal(f"{kind}: for nobody in particular", listed(kind) & mine, others & {"plain", "welsh"})
            check.equal(f"{kind}: who asked for it", listed(kind + "&user_id=ned") & mine, others & {"plain", "naked"})
            check.equal(f"{kind}: who reads it", listed(kind + "&user_id=ola") & mine, others & {"plain", "welsh"})
            check.equal(f"{kind}: by the rules of a scene that wants a community", listed(kind + "&scene=communities&user_id=ola") & mine, set())
        status, said = platform.call("GET", "/v1/latest/post?scene=nowhere", key="read")
        check.check("a list of a scene that is none", status == 404 and "communities" in said["error"]["allowed"], said)

    def communities_are_joined(self) -> None:
        check, platform = self.checks, self.platform
        for number, community in enumerate(("jazz", "chess", "", "jazz")):
            properties = {"post_id": f"c{number}", "topic": "music", "text_length": 5, **({"community": community} if community else {})}
            position = platform.track("post_create", "ivy", properties)
        check.equal("communities: nothing for who joined none", self.pages_of("joe", scene="communities", after=position), [])
        position = self.write("PUT", "/v1/users/joe", {"traits": {"communities": ["jazz", "go"]}})[1]["position"]
        check.equal("communities: what is new in those that were joined", sorted(self.pages_of("joe", scene="communities", after=position)), ["c0", "c3"])
        for begin in range(0, 4500, 500):
            position = platform.batch([{"type": "track", "event": "post_create", "userId": "mia", "messageId": f"noise-{number}",
                                        "properties": {"post_id": f"noise{number}", "topic": "music", "text_length": 5, "community": "noise"}} for number in range(begin, begin + 500)])
        check.equal("communities: what others post does not push it out", sorted(self.pages_of("joe", scene="communities", after=position)), ["c0", "c3"])
        self.write("PUT", "/v1/users/joe", {"traits": {"langs": ["xx"]}})
        position = platform.track("post_create", "mia", {"post_id": "in-xx", "topic": "music", "text_length": 5, "lang": "xx"})
        position = platform.batch([{"type": "track", "event": "post_create", "userId": "mia", "messageId": f"de-{number}",
                                    "properties": {"post_id": f"de{number}", "topic": "music", "text_length": 5, "lang": "de"}} for number in range(500)])
        check.check("rules: a random page looks for what they let through", len(self.pages_of("joe", scene="random", after=position)) > 90)
        position = self.write("PUT", "/v1/users/joe", {"traits": {"communities": []}})[1]["position"]
        check.equal("communities: left again", self.pages_of("joe", scene="communities", after=position), [])

    def pages_go_on(self) -> None:
        check, platform = self.checks, self.platform
        for number in range(12, 50):
            position = platform.track("post_create", f"writer{number % 7}", {"post_id": f"p{number}", "topic": ("music", "games")[number % 2], "text_length": 80}, messageId=f"post-{number}")
        whole = {item["id"] for item in platform.feed("eve", n=100, after=position)["items"]}
        seen, cursor, pages = [], None, 0
        while pages < 20:
            page = platform.feed("eve", n=7, **({"cursor": cursor} if cursor else {}))
            seen += [item["id"] for item in page["items"]]
            pages, cursor = pages + 1, page.get("next")
            if cursor is None:
                break
        check.equal("pages: nothing comes twice, nothing is left out", (len(seen), set(seen)), (len(whole), whole))
        check.check("pages: the last one is short", cursor is None and pages > 4, pages)
        check.equal("pages: a cursor that is none", platform.call("GET", "/v1/feed?user_id=eve&cursor=nonsense", key="read")[0], 400)

    def guests_are_served(self) -> None:
        check, platform = self.checks, self.platform
        page = platform.good("POST", "/v1/feed", {"guest": True, "n": 10}, key="read")
        check.equal("a guest has a page", (len(page["items"]), page["user_id"]), (10, ""))
        told = platform.good("POST", "/v1/feed", {"guest": True, "n": 10, "scene": "home", "context": {"topics": ["games"]}}, key="read")
        of = lambda answer, topic: sum(item["topic"] == topic for item in answer["items"])  # noqa: E731
        check.check("and one of what they told", of(told, "games") > of(told, "music"), told["items"])
        recent = platform.good("GET", "/v1/feed?guest=1&n=10&recent=p13&recent=p15", key="read")
        check.check("what they looked at is seen", recent["items"] and not {"p13", "p15"} & {item["id"] for item in recent["items"]}, recent["items"])
        for what, asked in (("a guest with a name", {"guest": True, "user_id": "ada"}), ("recent items of somebody", {"user_id": "ada", "recent": ["p1"]}), ("nobody", {"n": 3})):
            check.equal(f"{what} is refused", platform.call("POST", "/v1/feed", asked, "read")[0], 400)
        platform.land()
        check.equal("features of guests replay equal", platform.try_verb("verify-features").returncode, 0)

    def wrong_writes_are_refused(self) -> None:
        good = {"userId": "carol", "properties": {"topic": "music", "text_length": 5}}
        for what, method, path, body, key, wanted in (
            ("another id than the path's", "PUT", "/v1/items/post/a", {**good, "properties": {**good["properties"], "post_id": "b"}}, "write", 400),
            ("another event", "PUT", "/v1/items/post/a", {**good, "event": "like"}, "write", 400),
            ("what the tracking plan refuses", "PUT", "/v1/items/post/a", {"userId": "carol", "properties": {"topic": "music", "text_length": "long"}}, "write", 400),
            ("nobody's item", "PUT", "/v1/items/post/a", {"properties": good["properties"]}, "write", 400),
            ("no object", "PUT", "/v1/items/post/a", [1], "write", 400),
            ("properties that are none", "PUT", "/v1/items/post/a", {"userId": "carol", "properties": 3}, "write", 400),
            ("an empty id", "PUT", "/v1/items/post/", good, "write", 400),
            ("a NUL in the id", "PUT", "/v1/items/post/a%00b", good, "write", 400),
            ("an id that is no UTF-8", "PUT", "/v1/items/post/%c3%28", good, "write", 400),
            ("a user's id that is no UTF-8", "PUT", "/v1/users/%ff", {"traits": {}}, "write", 400),
            ("a feed of nobody's bytes", "GET", "/v1/feed?user_id=%ff", None, "read", 400),
            ("another kind", "PUT", "/v1/items/song/a", good, "write", 404),
            ("the read key", "PUT", "/v1/items/post/a", good, "read", 401),
            ("no key", "DELETE", "/v1/items/post/p1", None, "", 401),
            ("another method", "PATCH", "/v1/items/post/a", good, "write", 405),
            ("another author's item", "PUT", "/v1/items/post/p1", {**good, "userId": "a-thief"}, "write", 409),
            ("removing another author's item", "DELETE", "/v1/items/post/p1", {"userId": "a-thief"}, "write", 409),
            ("removing a user", "DELETE", "/v1/users/ada", None, "write", 405),
            ("removing what nobody made", "DELETE", "/v1/items/post/never-heard-of", None, "write", 404),
            ("a large body", "PUT", "/v1/items/post/a", {**good, "context": {"page": "x" * 70000}}, "write", 413),
            ("another user than the path's", "PUT", "/v1/users/ada", {"userId": "bob", "traits": {}}, "write", 400),
            ("a card of nothing", "GET", "/v1/items/post/never-heard-of", None, "read", 404),
            ("a card with the write key", "GET", "/v1/items/post/p1", None, "write", 401),
            ("a parameter twice", "GET", "/v1/popular/post?n=3&n=4", None, "read", 400),
            ("a feed's parameter twice", "GET", "/v1/feed?user_id=a&user_id=b", None, "read", 400),
        ):
            status, answer = self.write(method, path, body, key)
            self.checks.equal(f"{what}: {method} {path}", (status, bool(answer)), (wanted, True))


def main() -> None:
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="feedmill-api-") as folder:
        platform = Platform(pathlib.Path(folder) / "project", f'http.allowed_origins=["{ORIGIN}"]')
        platform.start()
        try:
            api = Api(checks, platform)
            api.prepare()
            for part in (api.every_operation, api.every_route, api.served, api.explained_from_the_lake, api.titles_from_the_lake, api.tiles_outlive_a_restart,
                         api.refusals_are_seen, api.refusals_may_be_read_by_pages, api.items_are_written, api.items_are_withdrawn, api.blocks_hide_both, api.items_expire, api.lists_hold_to_rules,
                         api.wrong_writes_are_refused, api.pages_go_on, api.guests_are_served, api.communities_are_joined):
                checks.part(part)
        finally:
            platform.stop()
    checks.finish()


if __name__ == "__main__":
    main()
