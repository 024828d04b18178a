"""What was sent and what must become of it. The product is asked for its own account afterwards; both must say the same.

A fate is `kept` (once in dwd_user_action), or the reason why an acknowledged event is not there: `bot`, `no_action` (identify, page, ...), or
`refused:<rule>` (kept in ods_event_rejected). A message that is sent again keeps the fate of its first sending.
"""

import collections
import dataclasses
import datetime

LOOKBACK = datetime.timedelta(days=7)   # events of days before these wait for a backfill


@dataclasses.dataclass
class Sent:
    fate: str
    event_time: datetime.datetime
    disorder: str
    night: int                 # the first whose run must have it
    acknowledged: bool = False


class Ledger:
    def __init__(self) -> None:
        self.events: dict[str, Sent] = {}                     # by message id
        self.refused: collections.Counter = collections.Counter()   # by rule: every sending is kept
        self.repeated = 0
        self.night = 0             # of the next run

    def note(self, message_id: str, fate: str, event_time: datetime.datetime, disorder: str = "") -> None:
        if message_id in self.events:
            self.repeated += 1
        else:
            self.events[message_id] = Sent(fate, event_time, disorder, self.night)

    def acknowledge(self, message_ids: list[str]) -> None:
        for message_id in message_ids:
            self.events[message_id].acknowledged = True

    def refuse(self, rule: str) -> None:
        self.refused[rule] += 1

    def of_fate(self, fate: str) -> set[str]:
        return {name for name, sent in self.events.items() if sent.acknowledged and sent.fate == fate}

    def counts(self) -> dict[str, int]:
        found = collections.Counter(sent.fate for sent in self.events.values() if sent.acknowledged)
        return dict(found)

    def unanswered(self) -> set[str]:
        """Sent, never acknowledged: they may be there once or not at all."""
        return {name for name, sent in self.events.items() if not sent.acknowledged}


@dataclasses.dataclass
class Account:
    """The product's side against the ledger's, after one night."""

    lost: list[str] = dataclasses.field(default_factory=list)
    duplicated: list[str] = dataclasses.field(default_factory=list)
    unexplained: list[str] = dataclasses.field(default_factory=list)
    waiting: int = 0       # counted by the product as left to a backfill


def compare(ledger: Ledger, night: int, actions: dict[str, int], left_out: dict[str, str], cut: datetime.datetime) -> Account:
    """After that night's run. `actions`: rows in dwd_user_action by event id. `left_out`: the product's own reason by event id of ods_event."""
    account = Account()
    for name, rows in actions.items():
        if rows > 1:
            account.duplicated.append(name)
        sent = ledger.events.get(name)
        if sent is not None and sent.fate != "kept":
            account.unexplained.append(f"{name}: in dwd_user_action, expected {sent.fate}")
    for name, sent in ledger.events.items():
        if not sent.acknowledged or name in actions or sent.fate.startswith("refused"):
            continue
        reason = left_out.get(name)
        if sent.fate == "kept":
            if sent.event_time >= cut or sent.night > night:
                pass   # of the day that has just begun, or sent while the run was at work
            elif reason == "waiting" and sent.event_time < cut - LOOKBACK:
                account.waiting += 1
            elif reason in (None, "waiting"):
                account.lost.append(f"{name} of {sent.event_time} ({sent.disorder})")
            else:
                account.unexplained.append(f"{name}: the product says {reason}, expected a row ({sent.disorder})")
        elif reason != sent.fate:
            account.unexplained.append(f"{name}: the product says {reason}, expected {sent.fate} ({sent.disorder})")
    return account
