import { count, millis, words } from "../format";
import type { Feed } from "../types";

export function Funnel({ feed }: { feed: Feed | null }) {
  if (!feed) return null;
  const channels = feed.funnel.filter((step) => step.stage.startsWith("recall."));
  const stages = feed.funnel.filter((step) => !step.stage.includes(".") && step.stage !== "query");
  const widest = Math.max(1, ...feed.funnel.map((step) => step.count));
  const filtered = Object.entries(feed.filtered).sort((a, b) => b[1] - a[1]);
  return (
    <section className="panel funnel" aria-label="Funnel">
      <header className="panel-head">
        <h2>Funnel</h2>
        <span className="quiet">{millis(feed.timings_ms.total ?? 0)} ms</span>
      </header>
      <table>
        <thead className="sr-only">
          <tr>
            <th>Stage</th>
            <th>Candidates</th>
            <th>Milliseconds</th>
          </tr>
        </thead>
        <tbody>
          {stages.map((step) => (
            <FunnelRows key={step.stage} step={step} widest={widest} channels={step.stage === "recall" ? channels : []} />
          ))}
        </tbody>
      </table>
      {filtered.length > 0 && (
        <p className="panel-note">
          Taken out: {filtered.map(([rule, taken]) => `${count(taken)} ${words(rule)}`).join(", ")}
        </p>
      )}
      {feed.degraded.length > 0 && (
        <ul className="degraded" aria-label="Left out">
          {feed.degraded.map((part) => (
            <li key={part}>{part}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

function FunnelRows({ step, widest, channels }: { step: Feed["funnel"][number]; widest: number; channels: Feed["funnel"] }) {
  return (
    <>
      <tr className="stage">
        <th scope="row">
          <span>{words(step.stage)}</span>
          <progress className="bar" value={step.count} max={widest} aria-hidden="true" />
        </th>
        <td>{count(step.count)}</td>
        <td className="quiet">{millis(step.ms)}</td>
      </tr>
      {channels.map((channel) => {
        const name = channel.stage.slice("recall.".length);
        return (
          <tr key={channel.stage} className="channel">
            <th scope="row">
              <span className={`chip chip-${name}`}>{words(name)}</span>
            </th>
            <td>{count(channel.count)}</td>
            <td className="quiet">{millis(channel.ms)}</td>
          </tr>
        );
      })}
    </>
  );
}
