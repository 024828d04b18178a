import { age, words } from "../format";
import type { EventRow } from "../types";

export function nameOf(row: EventRow): string {
  if (row.kind === "feed") return "feed asked";
  return words(row.name || row.type || row.rule || "message");
}

export function Activity({ rows, now, onAll }: { rows: EventRow[] | null; now: string; onAll: () => void }) {
  return (
    <section className="panel activity" aria-label="Last events">
      <header className="panel-head">
        <h2>Last events</h2>
        <button type="button" className="link" onClick={onAll}>
          All events
        </button>
      </header>
      {rows === null && <div className="skeleton activity-skeleton" aria-busy="true" />}
      {rows?.length === 0 && <p className="empty">Nothing has come in yet.</p>}
      <ol tabIndex={rows?.length ? 0 : undefined} aria-label="Last events, newest first">
        {rows?.map((row) => (
          <li key={row.sequence} title={row.reason || row.payload.slice(0, 300)}>
            <span className={`event event-${row.kind}`}>{nameOf(row)}</span>
            <span className="event-user">{row.user_id}</span>
            <span className="quiet">{age(now, row.time)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
