// Lines to copy that send one event to this server, with its write key.
import { useEffect, useMemo, useState } from "react";

import type { Api } from "./api";
import { CopyButton } from "./copy_button";
import { words } from "./format";
import { exampleProperties, type Language, languages, snippet } from "./snippets";
import type { Keys, PlannedEvent } from "./types";

export function SendOne({ api, plan }: { api: Api; plan: PlannedEvent[] | null }) {
  const [keys, setKeys] = useState<Keys | null>(null);
  const [error, setError] = useState("");
  const [language, setLanguage] = useState<Language>("curl");
  const [event, setEvent] = useState("");
  const [open, setOpen] = useState(false);
  useEffect(() => {
    api.keys().then(setKeys, (reason: Error) => setError(reason.message));
  }, [api]);
  // Files of the other message types describe traits; only track events have a name to send.
  const events = useMemo(() => (plan ?? []).filter((one) => one.schema && !/^(identify|page|screen|group|alias)$/.test(one.name)), [plan]);
  const chosen = events.find((one) => one.name === event) ?? events.find((one) => one.schema?.required?.length) ?? events[0];
  const write = (key: string) => snippet(language, { url: location.origin, key, event: chosen?.name ?? "", properties: exampleProperties(chosen?.schema ?? null) });
  const hidden = keys ? `${keys.write.slice(0, 4)}${"•".repeat(12)}` : "";
  return (
    <section className="panel send" aria-label="Send one">
      <header className="panel-head">
        <h2>Send one</h2>
        {events.length > 0 && (
          <label className="inline">
            <span className="sr-only">Event</span>
            <select value={chosen?.name ?? ""} onChange={(change) => setEvent(change.target.value)}>
              {events.map((one) => (
                <option key={one.name} value={one.name}>
                  {words(one.name)}
                </option>
              ))}
            </select>
          </label>
        )}
      </header>
      <div className="segments wide" role="group" aria-label="Language">
        {languages.map((one) => (
          <button key={one} type="button" aria-pressed={language === one} onClick={() => setLanguage(one)}>
            {one}
          </button>
        ))}
      </div>
      {error && <p className="error-text">{error}</p>}
      {keys && chosen && (
        <>
          <pre className="code" tabIndex={0} aria-label={`${language} lines`}>
            {write(open ? keys.write : hidden)}
          </pre>
          <div className="send-foot">
            <CopyButton text={() => write(keys.write)} copied="Copied, with the key." primary>
              <button type="button" className="button small quiet-button" aria-pressed={open} onClick={() => setOpen(!open)}>
                {open ? "Hide the key" : "Show the key"}
              </button>
            </CopyButton>
          </div>
          <p className="panel-note">A write key only lets events in; it may stand in an app. Feeds need the read key, which stays on your servers.</p>
        </>
      )}
      {!keys && !error && <div className="skeleton topics-skeleton" aria-busy="true" />}
    </section>
  );
}
