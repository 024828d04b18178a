import { count, duration, millis, rate } from "./format";
import { Sparkline } from "./sparkline";
import type { ServerState } from "./types";

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
      <h3 className="tile-name">
        <span className={`dot dot-${tone}`} aria-hidden="true" />
        {name}
      </h3>
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

export function lakeTone(ageS: number | null): Tone {
  return ageS === null ? "idle" : ageS <= 180 ? "good" : ageS <= 900 ? "warn" : "bad";
}

function bundleNote(state: ServerState): string {
  if (!state.bundle) return "run the nightly to make one";
  const { ndcg10, auc } = state.bundle.metrics;
  const metric = ndcg10 !== undefined ? `NDCG@10 ${ndcg10.toFixed(3)}` : auc !== undefined ? `AUC ${auc.toFixed(3)}` : "";
  const made = state.bundle.age_s === null ? "" : `${duration(state.bundle.age_s)} old`;
  return [metric, made].filter(Boolean).join(" · ");
}

export function Tiles({ state }: { state: ServerState | null }) {
  if (!state) {
    return (
      <section className="tiles" aria-label="Health" aria-busy="true">
        {[0, 1, 2, 3, 4].map((i) => (
          <div key={i} className="tile skeleton" />
        ))}
      </section>
    );
  }
  const { history } = state;
  return (
    <section className="tiles" aria-label="Health">
      <Tile name="Events" value={rate(state.events_per_s)} unit="/s" line={history.events_per_s}
        note={`${count(state.events_total)} in, ${count(state.rejected_total)} refused`} tone={state.events_total ? "good" : "idle"} />
      <Tile name="Log lag" value={count(state.log_lag_records)} unit="records" line={history.log_lag_records} note="written, not yet in the feed's state"
        tone={lagTone(state.log_lag_records)} />
      <Tile name="Lake" value={state.lake_age_s === null ? "–" : duration(state.lake_age_s)} tone={lakeTone(state.lake_age_s)}
        note={state.lake_age_s === null ? "nothing committed yet" : `since the last commit · ${count(state.lake_lag_records)} records wait`} />
      <Tile name="Bundle" value={state.bundle ? state.bundle.id.slice(0, 8) : "none"} note={bundleNote(state)} tone={state.bundle ? "good" : "warn"} />
      <Tile name="Feed" value={millis(state.feed_p99_ms)} unit="ms p99" line={history.feed_p99_ms} second={history.feed_p50_ms}
        note={`p50 ${millis(state.feed_p50_ms)} ms · ${rate(state.feeds_per_s)} feeds/s`} tone={latencyTone(state.feed_p99_ms)} />
    </section>
  );
}
