#!/usr/bin/env python3
"""One round of an app's server: posts come in, a reader's feed is asked for, what was seen and clicked goes back. Standard library only."""

import base64
import json
import os
import sys
import urllib.error
import urllib.request
import uuid

URL = os.environ.get("FEEDMILL_URL", "http://127.0.0.1:8080")
WRITE_KEY = os.environ.get("FEEDMILL_WRITE_KEY", "")
READ_KEY = os.environ.get("FEEDMILL_READ_KEY", "")


def call(path: str, body: dict, authorization: str) -> dict:
    request = urllib.request.Request(URL + path, json.dumps(body).encode(), {"Content-Type": "application/json", "Authorization": authorization})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        sys.exit(f"{path}: {error.code} {error.read().decode()}")


def track(user: str, event: str, properties: dict) -> dict:
    # A message that is sent again under the same id counts once: keep it when you retry.
    return {"type": "track", "messageId": str(uuid.uuid4()), "userId": user, "event": event, "properties": properties}


def send(*messages: dict) -> str:
    """The position in the log; a feed asked for with it knows these messages."""
    answer = call("/v1/batch", {"batch": list(messages)}, "Basic " + base64.b64encode(f"{WRITE_KEY}:".encode()).decode())
    for refused in answer["rejected"]:
        print(f"refused: {refused['field']}: {refused['reason']}", file=sys.stderr)
    return answer["position"]


def feed(user: str, after: str) -> dict:
    return call("/v1/feed", {"user_id": user, "scene": "home", "n": 10, "after": after}, "Bearer " + READ_KEY)


def main() -> None:
    if not WRITE_KEY or not READ_KEY:
        sys.exit("set FEEDMILL_WRITE_KEY and FEEDMILL_READ_KEY: feedmill key show write, feedmill key show read")
    posts = [track("bob", "post_create", {"post_id": f"python-{i}", "topic": "cooking", "title": f"Bread, loaf {i}", "text_length": 240}) for i in range(1, 6)]
    identify = {"type": "identify", "messageId": str(uuid.uuid4()), "userId": "ada", "traits": {"topics": ["cooking"]}}
    page = feed("ada", after=send(*posts, identify))
    print(f"ada's feed ({page['request_id']}):")
    for item in page["items"]:
        print(f"  {item['position'] + 1}. {item['id']} by {item['author']}: {item['reason']}")
    # The request's id and the position are what the models learn from.
    seen = [
        track("ada", "feed_impression", {"request_id": page["request_id"], "post_id": item["id"], "author_id": item["author"], "position": item["position"],
                                         "scene": page["scene"], "source": item["source"]})
        for item in page["items"]
    ]
    clicked = [track("ada", "post_click", {"request_id": page["request_id"], "post_id": item["id"], "position": 0, "scene": page["scene"]}) for item in page["items"][:1]]
    if seen:
        send(*seen, *clicked)
    print(f"sent: {len(seen)} seen, {len(clicked)} clicked")


if __name__ == "__main__":
    main()
