import { useState } from "react";

import type { Api } from "./api";
import { CopyButton } from "./copy_button";
import { count, day, duration, until } from "./format";
import { usePolled } from "./hooks";
import { Icon } from "./icons";
import type { LeftOut, Nightly, RunRow, StepRow } from "./types";

const pollMs = 3000;

function Step({ step, longest }: { step: StepRow; longest: number }) {
  const failed = step.checks.filter((check) => !check.passed);
  return (
    <tr data-state={step.state}>
      <th scope="row">
        {step.name}
        {step.message && <span className="note">{step.message}</span>}
        {failed.map((check) => (
          <span key={check.rule} className="note minus">
            {check.rule}: found {check.found}
          </span>
        ))}
      </th>
      <td>
        <span className={`state state-${step.state}`}>{step.state}</span>
      </td>
      <td className="number">{step.rows === null ? "–" : count(step.rows)}</td>
      <td className="number">
        {duration(step.seconds)}
        <progress className="bar" value={step.seconds} max={longest} aria-hidden="true" />
      </td>
      <td className="number">{step.checks.length === 0 ? "–" : `${step.checks.length - failed.length}/${step.checks.length}`}</td>
      <td className="number">{step.attempts}</td>
    </tr>
  );
}

// Events that came too late for a table and wait: what they are, and the line that brings them in.
export function LeftOutBox({ rows }: { rows: LeftOut[] }) {
  const commands = [...new Set(rows.map((row) => row.command).filter(Boolean))];
  if (rows.length === 0) return null;
  return (
    <section className="left-out" aria-label="Left out">
      <h2>Left out</h2>
      <ul>
        {rows.map((row) => (
          <li key={row.model}>
            <b>{row.model}</b> {row.text.replaceAll("`", "")}
          </li>
        ))}
      </ul>
      {commands.map((command) => (
        <div key={command} className="send-foot">
          <code>{command}</code>
          <CopyButton text={() => command} copied="Copied." />
        </div>
      ))}
    </section>
  );
}

function Run({ run, open, onToggle }: { run: RunRow; open: boolean; onToggle: () => void }) {
  const seconds = run.steps.reduce((sum, step) => sum + step.seconds, 0);
  const rows = run.steps.reduce((sum, step) => sum + (step.rows ?? 0), 0);
  const longest = Math.max(0.001, ...run.steps.map((step) => step.seconds));
  return (
    <article className="panel run">
      <button type="button" className="run-head" aria-expanded={open} onClick={onToggle}>
        <span className={`state state-${run.state}`}>{run.state}</span>
        <span className="run-name">{run.interval || run.id}</span>
        <span className="quiet">{day(run.started_at)}</span>
        <span className="quiet run-sum">
          {run.steps.length} steps · {count(rows)} rows · {duration(seconds)}
        </span>
      </button>
      {open && <LeftOutBox rows={run.left_out} />}
      {open && (
        <div className="table-wrap" role="region" aria-label="Steps" tabIndex={0}>
          <table className="table">
            <thead>
              <tr>
                <th>Step</th>
                <th>State</th>
                <th className="number">Rows</th>
                <th className="number">Time</th>
                <th className="number">Checks</th>
                <th className="number">Attempts</th>
              </tr>
            </thead>
            <tbody>
              {run.steps.map((step) => (
                <Step key={step.name} step={step} longest={longest} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </article>
  );
}

// By itself, or by hand.
function schedule(now: string | undefined, nightly: Nightly | null): string {
  if (!now) return "";
  if (nightly?.running) return "One runs now.";
  const failed = nightly?.last_error ? ` The last one failed: ${nightly.last_error}` : "";
  if (!nightly?.next) return `The nightly runs when you start it (feedmill run), or each night at the time of nightly.at.${failed}`;
  return `The next one begins ${until(now, nightly.next)}, at ${day(nightly.next)} UTC.${failed}`;
}

export function RunsPage({ api, now, nightly }: { api: Api; now: string | undefined; nightly: Nightly | null }) {
  const runs = usePolled(() => api.runs(), pollMs);
  const [toggled, setToggled] = useState<Record<string, boolean>>({});
  return (
    <main className="page">
      <header className="page-head">
        <div>
          <h1>Runs</h1>
          <p className="quiet">The last nightly runs, step by step. {schedule(now, nightly)}</p>
        </div>
        <button type="button" className="deed" aria-label="Ask again" onClick={runs.refresh}>
          <Icon name="refresh" />
        </button>
      </header>
      {runs.error && <p className="error-box">{runs.error}</p>}
      {!runs.value && !runs.error && <div className="skeleton table-skeleton" aria-busy="true" />}
      {runs.value?.length === 0 && <p className="empty big">No run yet. Start one: feedmill run.</p>}
      {runs.value?.map((run, place) => {
        const open = toggled[run.id] ?? place === 0;
        return <Run key={run.id} run={run} open={open} onToggle={() => setToggled((was) => ({ ...was, [run.id]: !open }))} />;
      })}
    </main>
  );
}
