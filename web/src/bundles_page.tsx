import { useState } from "react";

import type { Api } from "./api";
import { day, words } from "./format";
import { usePolled } from "./hooks";
import { Modal } from "./modal";
import type { BundleRow } from "./types";

const pollMs = 5000;
const headMetrics = ["ndcg10", "auc", "user_auc", "recall100", "ndcg10_popularity"];

interface Plan {
  title: string;
  text: string;
  verb: string;
  run: () => Promise<{ promoted: boolean; reason: string }>;
}

function Confirm({ plan, onDone }: { plan: Plan; onDone: (said: string) => void }) {
  const [busy, setBusy] = useState(false);
  return (
    <Modal label={plan.title} onClose={() => onDone("")}>
      <h2>{plan.title}</h2>
      <p className="quiet">{plan.text}</p>
      <div className="dialog-foot">
        <button type="button" className="button" onClick={() => onDone("")}>
          Cancel
        </button>
        <button type="button" className="button primary" disabled={busy}
          onClick={() => {
            setBusy(true);
            plan.run().then(
              (result) => onDone(`${result.promoted ? "Done" : "Not done"}: ${result.reason}`),
              (reason: Error) => onDone(reason.message),
            );
          }}
        >
          {plan.verb}
        </button>
      </div>
    </Modal>
  );
}

function metric(bundle: BundleRow, name: string): string {
  const value = bundle.metrics[name];
  return value === undefined ? "–" : value.toFixed(4);
}

export function BundlesPage({ api }: { api: Api }) {
  const bundles = usePolled(() => api.bundles(), pollMs);
  const [plan, setPlan] = useState<Plan | null>(null);
  const [said, setSaid] = useState("");
  const rows = bundles.value;
  const live = rows?.find((row) => row.state === "live");
  const promote = (row: BundleRow, force: boolean): Plan => ({
    title: force ? `Force ${row.id.slice(0, 8)} live?` : `Make ${row.id.slice(0, 8)} live?`,
    text: force
      ? "The gate is left out: this bundle goes live even if it is worse than the live one on the later slice."
      : "It goes live only if it beats the live bundle on the later slice. The next feed request uses it as a whole.",
    verb: force ? "Force" : "Promote",
    run: () => api.promote(row.id, force),
  });
  return (
    <main className="page">
      <header className="page-head">
        <div>
          <h1>Bundles</h1>
          <p className="quiet">Everything one night made for serving, live as a whole or not at all.</p>
        </div>
        <button type="button" className="button" disabled={!live || !rows?.some((row) => row.state === "former")}
          onClick={() => setPlan({ title: "Roll back?", text: "The bundle that was live before goes live again.", verb: "Roll back", run: () => api.rollback() })}>
          Roll back
        </button>
      </header>
      {said && (
        <p className="said" role="status">
          {said}
        </p>
      )}
      {bundles.error && <p className="error-box">{bundles.error}</p>}
      {!rows && !bundles.error && <div className="skeleton table-skeleton" aria-busy="true" />}
      {rows?.length === 0 && <p className="empty big">No bundle yet. The nightly run makes one: feedmill run.</p>}
      {rows && rows.length > 0 && (
        <div className="table-wrap" role="region" aria-label="Bundles" tabIndex={0}>
          <table className="table">
            <thead>
              <tr>
                <th>Bundle</th>
                <th>State</th>
                <th>Made</th>
                {headMetrics.map((name) => (
                  <th key={name} className="number">
                    {words(name)}
                  </th>
                ))}
                <th>
                  <span className="sr-only">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.id} data-state={row.state}>
                  <th scope="row">
                    <code>{row.id.slice(0, 12)}</code>
                    {row.note && <span className="note">{row.note}</span>}
                  </th>
                  <td>
                    <span className={`state state-${row.state}`}>{row.state}</span>
                  </td>
                  <td className="quiet">{day(row.created_at)}</td>
                  {headMetrics.map((name) => (
                    <td key={name} className="number">
                      {metric(row, name)}
                    </td>
                  ))}
                  <td className="row-tools">
                    {row.state !== "live" && (
                      <>
                        <button type="button" className="button small" onClick={() => setPlan(promote(row, false))}>
                          Promote
                        </button>
                        <button type="button" className="button small quiet-button" onClick={() => setPlan(promote(row, true))}>
                          Force
                        </button>
                      </>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {plan && (
        <Confirm key={plan.title} plan={plan}
          onDone={(result) => {
            setPlan(null);
            if (result) setSaid(result);
            bundles.refresh();
          }}
        />
      )}
    </main>
  );
}
