import { age, words } from "../format";
import type { ActivityRow } from "../types";

export function Activity({ rows, now }: { rows: ActivityRow[] | null; now: string }) {
  return (
    <section className="panel activity" aria-label="Last events">
      <header className="panel-head">
        <h2>Last events</h2>
      </header>
      {rows === null && <div className="skeleton activity-skeleton" aria-busy="true" />}
      {rows?.length === 0 && <p className="empty">Nothing has come in yet.</p>}
      <ol>
        {rows?.map((row) => (
          <li key={row.sequence} title={row.detail}>
            <span className={`event event-${row.kind}`}>{words(row.name)}</span>
            <span className="event-user">{row.user_id}</span>
            <span className="quiet">{age(now, row.time)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
