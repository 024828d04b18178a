import { useMemo, useState } from "react";

import { Api, keepToken, readToken } from "./api";
import { BundlesPage } from "./bundles_page";
import { EventsPage } from "./events_page";
import { day } from "./format";
import { usePage, usePolled, useTheme } from "./hooks";
import { Icon } from "./icons";
import { Playground } from "./playground/playground";
import { RunsPage } from "./runs_page";
import { TokenPage } from "./token_page";

const stateMs = 1000;
const nightlyMs = 15_000;
const pages = [
  ["", "Playground"],
  ["events", "Events"],
  ["bundles", "Bundles"],
  ["runs", "Runs"],
] as const;

function Console({ api, onLeave }: { api: Api; onLeave: () => void }) {
  const [page, go] = usePage();
  const [, toggleTheme] = useTheme();
  const state = usePolled(() => api.state(), stateMs);
  const nightly = usePolled(() => api.nightly(), nightlyMs);
  return (
    <>
      <header className="top">
        <span className="brand">
          <img src="/console/mark.svg" alt="" width="24" height="24" />
          Feedmill
        </span>
        <nav aria-label="Pages">
          {pages.map(([path, name]) => (
            <a key={path} href={`/console/${path}`} aria-current={page === path ? "page" : undefined}
              onClick={(event) => {
                event.preventDefault();
                go(path);
              }}
            >
              {name}
            </a>
          ))}
        </nav>
        <span className="top-state" role="status">
          <span className={`dot ${state.stale ? "dot-bad" : state.value ? "dot-good" : ""}`} aria-hidden="true" />
          {state.stale ? "not reachable" : state.value ? `${state.value.clock_driven ? "world time " : ""}${day(state.value.now)} UTC` : "connecting"}
        </span>
        <button type="button" className="deed" aria-label="Light or dark" title="Light or dark" onClick={toggleTheme}>
          <Icon name="moon" />
        </button>
        <button type="button" className="deed" aria-label="Forget the token" title="Forget the token" onClick={onLeave}>
          <Icon name="leave" />
        </button>
      </header>
      {page === "events" ? (
        <EventsPage api={api} now={state.value?.now ?? null} />
      ) : page === "bundles" ? (
        <BundlesPage api={api} />
      ) : page === "runs" ? (
        <RunsPage api={api} now={state.value?.now} nightly={nightly.value} />
      ) : (
        <Playground api={api} state={state.value} nightly={nightly.value} stale={state.stale} onEvents={() => go("events")} />
      )}
    </>
  );
}

export function App() {
  const [token, setToken] = useState(readToken);
  const [refused, setRefused] = useState(false);
  const forget = (wasRefused: boolean) => {
    keepToken("");
    setToken("");
    setRefused(wasRefused);
  };
  const api = useMemo(() => new Api(token, () => forget(true)), [token]);
  if (!token) {
    return (
      <TokenPage refused={refused}
        onToken={(given) => {
          keepToken(given);
          setRefused(false);
          setToken(given);
        }}
      />
    );
  }
  return <Console api={api} onLeave={() => forget(false)} />;
}
