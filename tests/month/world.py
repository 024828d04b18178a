"""The people of the month: tastes, posts, sessions. It knows the truth (`chance`), so it can say how good a page was; and it keeps its own books."""

import dataclasses
import datetime
import math
import random

UTC = datetime.timezone.utc
TOPICS = ["art", "cats", "code", "food", "music", "sport", "Žižkov ☕", "旅行"]
LOOK_DECAY = 0.13


def text_of(time: datetime.datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclasses.dataclass
class Person:
    id: str
    taste: list[float]
    follows: set
    away: range          # days of the month on which they do not come
    visits: float        # sessions a day


@dataclasses.dataclass
class Post:
    id: str
    author: str
    topic: int
    quality: float
    born: datetime.datetime
    text_length: int


class World:
    """Draws depend on the seed and on the order of calls alone."""

    def __init__(self, seed: int, people: int, authors: int, nights: int):
        self.random = random.Random(seed)
        self.seed = seed
        self.people: list[Person] = []
        self.authors: list[str] = []
        self.posts: dict[str, Post] = {}
        self.removed: set[str] = set()              # posts, by their authors
        self.withdrawn: set[str] = set()            # posts, by whoever watches over the app
        self.blocks: set[tuple[str, str]] = set()   # who blocks whom
        self.numbers = 0
        for number in range(people):
            self.add_person(nights, author=number < authors)

    def add_person(self, nights: int, author: bool = False) -> Person:
        chance = self.random
        taste = [0.0] * len(TOPICS)
        for topic in chance.sample(range(len(TOPICS)), 2):
            taste[topic] = 1.0
        leaves = chance.randrange(max(1, nights))
        away = range(leaves, leaves + chance.choice([0, 0, 3, 9]))
        person = Person(f"w{self.seed}u{len(self.people):04d}", taste, set(), away, chance.choice([0.3, 1.0, 1.0, 2.0]))
        self.people.append(person)
        if author:
            self.authors.append(person.id)
        return person

    def new_post(self, now: datetime.datetime) -> Post:
        author = self.random.choice(self.authors)
        self.numbers += 1
        post = Post(f"w{self.seed}p{self.numbers:05d}", author, self.topic_of(author), self.random.gauss(0, 0.8), now, self.random.randrange(20, 2000))
        self.posts[post.id] = post
        return post

    def topic_of(self, author: str) -> int:
        """Authors mostly write about one thing."""
        return hash_number(author) % len(TOPICS) if self.random.random() < 0.8 else self.random.randrange(len(TOPICS))

    def chance(self, person: Person, post_id: str, now: datetime.datetime) -> float:
        """That the person clicks on the post when they look at it."""
        post = self.posts.get(post_id)
        if post is None:
            return 0.01
        age_days = max(0.0, (now - post.born).total_seconds() / 86400)
        logit = -3.2 + 2.6 * person.taste[post.topic] + 0.8 * post.quality + (0.5 if post.author in person.follows else 0) - 0.35 * age_days
        return 1 / (1 + math.exp(-logit))

    def may_not_see(self, user: str, items: list[dict]) -> list[str]:
        """Of a page: what was taken away, and what is by somebody whom the user blocks, or who blocks them."""
        return [item["id"] for item in items
                if item["id"] in self.removed | self.withdrawn or {(user, item["author"]), (item["author"], user)} & self.blocks]

    def worth(self, person: Person, items: list[dict], now: datetime.datetime) -> float:
        """Expected clicks of a page."""
        return sum(self.chance(person, item["id"], now) / (1 + LOOK_DECAY * place) for place, item in enumerate(items))


def hash_number(text: str) -> int:
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 % (1 << 32)
    return value
