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
KEYS = {"writeKey": "write", "readKey": "read", "adminToken": "admin"}
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


def main() -> None:
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="feedmill-api-") as folder:
        platform = Platform(pathlib.Path(folder) / "project", f'http.allowed_origins=["{ORIGIN}"]')
        platform.start()
        try:
            api = Api(checks, platform)
            api.prepare()
            for part in (api.every_operation, api.every_route, api.served, api.explained_from_the_lake, api.titles_from_the_lake, api.tiles_outlive_a_restart,
                         api.refusals_are_seen, api.refusals_may_be_read_by_pages):
                checks.part(part)
        finally:
            platform.stop()
    checks.finish()


if __name__ == "__main__":
    main()
