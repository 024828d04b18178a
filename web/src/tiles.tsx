import { age, count, duration, millis, rate, until } from "./format";
import { Sparkline } from "./sparkline";
import type { Nightly, ServerState } from "./types";

type Tone = "good" | "warn" | "bad" | "idle";

interface TileProps {
  name: string;
  value: string;
  unit?: string;
  note: string;
  tone?: Tone;
  line?: number[];
  second?: number[];
}

function Tile({ name, value, unit, note, tone = "good", line, second }: TileProps) {
  return (
    <article className="tile" data-tile={name}>
      <h2 className="tile-name">
        <span className={`dot dot-${tone}`} aria-hidden="true" />
        {name}
      </h2>
      <p className="tile-value">
        {value}
        {unit && <span className="tile-unit">{unit}</span>}
      </p>
      {line ? <Sparkline values={line} second={second} label={`${name} over the last minutes`} /> : <div className="tile-gap" />}
      <p className="tile-note">{note}</p>
    </article>
  );
}

export function lagTone(records: number): Tone {
  return records < 1000 ? "good" : records < 20000 ? "warn" : "bad";
}

export function latencyTone(p99: number): Tone {
  return p99 === 0 ? "idle" : p99 <= 40 ? "good" : p99 <= 200 ? "warn" : "bad";
}

// An old commit is no fault while nothing waits for the next.
export function lakeTone(ageS: number | null, waiting: number): Tone {
  if (waiting === 0) return ageS === null ? "idle" : "good";
  return ageS === null ? "idle" : ageS <= 180 ? "good" : ageS <= 900 ? "warn" : "bad";
}

function bundleNote(state: ServerState): string {
  if (!state.bundle) return "run the nightly to make one";
  const { ndcg10, auc } = state.bundle.metrics;
  const metric = ndcg10 !== undefined ? `NDCG@10 ${ndcg10.toFixed(3)}` : auc !== undefined ? `AUC ${auc.toFixed(3)}` : "";
  const made = state.bundle.age_s === null ? "" : `${duration(state.bundle.age_s)} old`;
  return [metric, made].filter(Boolean).join(" · ");
}

// When the nightly comes, and how the last one ended.
function NightlyTile({ now, nightly }: { now: string; nightly: Nightly | null }) {
  const last = nightly?.last;
  const late = Math.max(0, ...(nightly?.left_out ?? []).map((rows) => rows.late_rows));
  const waits = late > 0 ? ` · ${count(late)} late events wait: feedmill backfill --late` : "";
  const note = last ? `last one ${last.state} ${age(now, last.started_at)}${waits}` : "none has run yet";
  const tone: Tone = !last ? "idle" : !/succeeded|running/.test(last.state) ? "bad" : late > 0 ? "warn" : "good";
  if (nightly?.running) return <Tile name="Nightly" value="runs now" note={note} tone="good" />;
  if (!nightly?.next) return <Tile name="Nightly" value="by hand" note={last ? note : "feedmill run, or nightly.at in feedmill.toml"} tone={tone} />;
  return <Tile name="Nightly" value={until(now, nightly.next)} note={note} tone={tone} />;
}

const tileCount = 6;

// Stale: what is shown is how things were. Nothing of it is green then.
export function Tiles({ state, nightly, stale }: { state: ServerState | null; nightly: Nightly | null; stale: boolean }) {
  if (!state) {
    return (
      <section className="tiles" aria-label="Health" aria-busy={!stale}>
        {Array.from({ length: tileCount }, (_, i) => (
          <div key={i} className="tile skeleton" />
        ))}
      </section>
    );
  }
  const { history } = state;
  return (
    <section className="tiles" aria-label={stale ? "Health, as last heard" : "Health"} data-stale={stale || undefined}>
      {stale && (
        <p className="stale-note" role="status">
          The server does not answer. These figures are of {state.now.slice(0, 19).replace("T", " ")} UTC.
        </p>
      )}
      <Tile name="Events" value={rate(state.events_per_s)} unit="/s" line={history.events_per_s}
        note={`${count(state.events_total)} in the lake, ${count(state.rejected_total)} refused`} tone={state.events_total ? "good" : "idle"} />
      <Tile name="Log lag" value={count(state.log_lag_records)} unit="records" line={history.log_lag_records} note="written, not yet in the feed's state"
        tone={lagTone(state.log_lag_records)} />
      <Tile name="Lake" value={state.lake_age_s === null ? "–" : duration(state.lake_age_s)} tone={lakeTone(state.lake_age_s, state.lake_lag_records)}
        note={state.lake_age_s === null ? "nothing committed yet" : `since the last commit · ${count(state.lake_lag_records)} wait`} />
      <Tile name="Bundle" value={state.bundle ? state.bundle.id.slice(0, 8) : "none"} note={bundleNote(state)} tone={state.bundle ? "good" : "warn"} />
      <NightlyTile now={state.now} nightly={nightly} />
      <Tile name="Feed" value={state.feed_p99_ms === 0 ? "–" : millis(state.feed_p99_ms)} unit="ms p99" line={history.feed_p99_ms} second={history.feed_p50_ms}
        note={state.feed_p99_ms === 0 ? "no feed in the last minute" : `p50 ${millis(state.feed_p50_ms)} ms · ${rate(state.feeds_per_s)} feeds/s`} tone={latencyTone(state.feed_p99_ms)} />
    </section>
  );
}
