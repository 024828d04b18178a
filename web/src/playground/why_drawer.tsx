import { useEffect, useState } from "react";

import type { Api } from "../api";
import { percent, score, words } from "../format";
import { Icon } from "../icons";
import { Modal } from "../modal";
import { standouts } from "../standouts";
import type { Explained, Feed, FeedItem } from "../types";

const moveWords: Record<string, string> = {
  diversity: "moved for variety: others were too alike",
  author_cap: "moved because its author had enough places",
  author_cap_relaxed: "fills a place nobody else could take",
  fresh_quota: "lifted: a share of the page is for new posts",
  interest: "lifted: it is of a topic this newcomer told",
  exploration: "drawn to try something new",
  fallback: "fills a short page with what is popular",
};

function Models({ explained, index }: { explained: Explained; index: number }) {
  const item = explained.items[index]!;
  if (!item.probabilities || !explained.actions) return <p className="quiet">No model ranked this item; its place comes from recall.</p>;
  const rows = explained.actions.map((action, i) => ({ action, p: item.probabilities![i] ?? 0, weight: explained.weights?.[i] ?? 0 }));
  const most = Math.max(1e-9, ...rows.map((row) => Math.abs(row.p * row.weight)));
  return (
    <table className="models">
      <thead>
        <tr>
          <th>Action</th>
          <th>Chance</th>
          <th>Weight</th>
          <th>Adds</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.action}>
            <th scope="row">{words(row.action)}</th>
            <td>{percent(row.p)}</td>
            <td>{row.weight}</td>
            <td className={row.p * row.weight < 0 ? "minus" : undefined}>
              {score(row.p * row.weight)}
              <progress className="bar" value={Math.abs(row.p * row.weight)} max={most} aria-hidden="true" />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Features({ explained, index }: { explained: Explained; index: number }) {
  if (!explained.feature_names) return null;
  const found = standouts(explained.feature_names, explained.items.map((item) => item.features ?? []), index, 8);
  if (found.length === 0) return null;
  return (
    <>
      <h3>What sets it apart on this page</h3>
      <ul className="standouts">
        {found.map((feature) => (
          <li key={feature.name}>
            <span>{words(feature.name)}</span>
            <strong>{score(feature.value)}</strong>
            <span className="quiet">
              {feature.deviations > 0 ? "above" : "below"} the page&rsquo;s {score(feature.mean)}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

interface Props {
  api: Api;
  feed: Feed;
  item: FeedItem;
  title: string;
  onClose: () => void;
  returnTo: () => HTMLElement | null | undefined;
}

export function WhyDrawer({ api, feed, item, title, onClose, returnTo }: Props) {
  const [explained, setExplained] = useState<Explained | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    api.explain(feed.request_id).then(setExplained, (reason: Error) => setError(reason.message));
  }, [api, feed.request_id]);
  const index = explained?.items.findIndex((candidate) => candidate.post_id === item.id) ?? -1;
  const row = index >= 0 ? explained!.items[index]! : null;
  return (
    <Modal className="drawer" label={`Why ${title}`} onClose={onClose} returnTo={returnTo}>
      <header className="panel-head">
        <h2>Why this item</h2>
        <button type="button" className="deed" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <p className="drawer-reason">{item.reason}</p>
      <p className="quiet">
        {title !== item.id && `${title} · `}
        {item.id} by {item.author}
        {item.topic ? ` · ${item.topic}` : ""}
      </p>
      {error && <p className="error-text">{error}</p>}
      {!explained && !error && <div className="skeleton drawer-skeleton" aria-busy="true" />}
      {explained && row && (
        <>
          <h3>Brought by</h3>
          <p className="chips">
            {item.sources.map((source) => (
              <span key={source} className={`chip chip-${source}`}>
                {words(source)}
              </span>
            ))}
          </p>
          <h3>Its place</h3>
          <p>
            {row.ranked_position >= 0 ? `Ranked ${row.ranked_position + 1}, shown ${(row.position ?? 0) + 1}` : `Shown ${(row.position ?? 0) + 1}`}
            {moveWords[row.move] ? ` – ${moveWords[row.move]}` : ""}
          </p>
          <h3>What the models expect</h3>
          <Models explained={explained} index={index} />
          <Features explained={explained} index={index} />
          <p className="drawer-foot">
            <code>{feed.request_id}</code>
          </p>
        </>
      )}
    </Modal>
  );
}
