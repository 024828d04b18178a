// What arrives: taken and refused messages as they come, each with its payload; why one was refused beside what the
// tracking plan asks for; lines to copy that send one.
import { useEffect, useRef, useState } from "react";

import type { Api } from "./api";
import "./events_page.css";
import { useFollowedEvents } from "./followed_events";
import { age, words } from "./format";
import { usePolled } from "./hooks";
import { Icon } from "./icons";
import { Schema } from "./schema";
import { SendOne } from "./send_one";
import type { EventRow, PlannedEvent } from "./types";

const planMs = 60_000;
const shownMax = 100;

type Shown = "all" | "refused";

function pretty(payload: string): string {
  try {
    return JSON.stringify(JSON.parse(payload), null, 2);
  } catch {
    return payload; // cut, or never was JSON
  }
}

function Payload({ row }: { row: EventRow }) {
  if (row.kind === "feed") {
    return (
      <p className="quiet">
        A feed was asked for and what it showed was written back. <code>GET /v1/explain/{row.message_id}</code> says why.
      </p>
    );
  }
  const text = pretty(row.payload);
  return text ? (
    <pre className="code" tabIndex={0} aria-label={row.kind === "refused" ? "What was received" : "Properties"}>
      {text}
    </pre>
  ) : (
    <p className="quiet">Nothing of it could be kept.</p>
  );
}

function Row({ row, now, planned, open, onToggle }: { row: EventRow; now: string | null; planned: PlannedEvent | undefined; open: boolean; onToggle: () => void }) {
  const refused = row.kind === "refused";
  return (
    <li className="arrival" data-kind={row.kind} data-open={open || undefined}>
      <button type="button" className="arrival-head" aria-expanded={open} onClick={onToggle}>
        <span className={`state ${refused ? "state-refused" : row.kind === "feed" ? "" : "state-succeeded"}`}>{refused ? "refused" : row.kind === "feed" ? "feed" : "taken"}</span>
        <span className="arrival-name">{words(row.name || row.type || (row.kind === "feed" ? "feed request" : "message"))}</span>
        <span className="arrival-who">{refused ? row.reason : row.user_id}</span>
        <time className="quiet" dateTime={row.time}>
          {now ? age(now, row.time) : row.time.slice(11, 19)}
        </time>
      </button>
      {open && (
        <div className="arrival-body">
          <dl className="facts">
            {refused && <Fact name="Rule" value={words(row.rule)} />}
            {refused && row.field && <Fact name="Field" value={row.field} code />}
            {row.user_id && <Fact name="User" value={row.user_id} />}
            {row.message_id && <Fact name={row.kind === "feed" ? "Request" : "Message"} value={row.message_id} code />}
            {row.source && <Fact name="Key" value={row.source} />}
            <Fact name="Received" value={`${row.time.slice(0, 19).replace("T", " ")} UTC`} />
          </dl>
          {refused && <p className="arrival-reason">{row.reason}</p>}
          <div className={refused ? "beside" : undefined}>
            <Payload row={row} />
            {refused && <Schema planned={planned} name={row.name} field={row.field} />}
          </div>
        </div>
      )}
    </li>
  );
}

function Fact({ name, value, code = false }: { name: string; value: string; code?: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{code ? <code>{value}</code> : value}</dd>
    </div>
  );
}

export function EventsPage({ api, now }: { api: Api; now: string | null }) {
  const [shown, setShown] = useState<Shown>("all");
  const [paused, setPaused] = useState(false);
  const [open, setOpen] = useState<number | null>(null);
  const tail = useFollowedEvents(api, shown, shownMax);
  const plan = usePolled(() => api.plan(), planMs);
  const kept = useRef<EventRow[] | null>(null);
  if (!paused || kept.current === null) kept.current = tail.rows;
  const rows = kept.current;
  useEffect(() => setPaused(false), [shown]);
  return (
    <main className="page">
      <header className="page-head">
        <div>
          <h1>Events</h1>
          <p className="quiet">What arrives, as it arrives. Refused messages are kept in ods_event_rejected.</p>
        </div>
        <div className="page-tools">
          <div className="segments" role="group" aria-label="Which events">
            {(["all", "refused"] as const).map((one) => (
              <button key={one} type="button" aria-pressed={shown === one} onClick={() => setShown(one)}>
                {one === "all" ? "All" : "Refused"}
              </button>
            ))}
          </div>
          <button type="button" className="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
            <Icon name={paused ? "play" : "pause"} /> {paused ? "Go on" : "Hold"}
          </button>
        </div>
      </header>
      {tail.error && (
        <p className="error-box" role="alert">
          {tail.error}
        </p>
      )}
      <div className="events">
        <section aria-label="Arrivals" aria-busy={!rows}>
          {!rows && !tail.error && <div className="skeleton table-skeleton" />}
          {rows?.length === 0 && <p className="empty big">{shown === "refused" ? "Nothing was refused lately." : "Nothing has arrived yet. Send one: the lines are here to copy."}</p>}
          <ol className="arrivals" data-stale={tail.error !== "" || undefined}>
            {rows?.map((row) => (
              <Row key={row.sequence} row={row} now={now} planned={plan.value?.find((one) => one.name === (row.name || row.type))} open={open === row.sequence}
                onToggle={() => setOpen(open === row.sequence ? null : row.sequence)} />
            ))}
          </ol>
        </section>
        <SendOne api={api} plan={plan.value} />
      </div>
    </main>
  );
}
