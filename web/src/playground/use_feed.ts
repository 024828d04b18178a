// The playground's state: whose feed, the page, what moved, and what the person did to it. A dry run only supposes what
// is done: the feed answers as if, and nothing is kept. Live, each deed is held back for a moment in which it can be
// undone, and then sent.
import { useCallback, useEffect, useRef, useState } from "react";

import type { Act, Api } from "../api";
import { millis } from "../format";
import { movesBetween, sentence, type Moves } from "../feed_moves";
import type { ActButton, Feed, FeedItem } from "../types";
import { saidOf } from "./deeds";

export const pageSize = 20;
export const holdMs = 5000;

export type Mode = "dry" | "live";

export interface FeedView {
  feed: Feed | null;
  moves: Moves | null;
  error: string;
  loading: boolean;
  said: string; // told to the person, and to screen readers
  acts: Act[]; // of this user, since they were chosen: supposed, held back and sent
  last: { what: string; undo: boolean } | null; // the newest of them, and whether it can be taken back
}

const empty: FeedView = { feed: null, moves: null, error: "", loading: false, said: "", acts: [], last: null };

interface Done {
  act: Act;
  what: string;
}

// What of the acts goes into a request: what was only looked at is left out of the page, the rest is supposed.
function supposing(done: Done[]): { suppose?: Act[]; exclude?: string[] } {
  const acts = done.map(({ act }) => act);
  const suppose = acts.filter((act) => act.items === undefined);
  const exclude = acts.flatMap((act) => (act.items ?? []).map((item) => item.item_id)).slice(-1000);
  return { ...(suppose.length ? { suppose } : {}), ...(exclude.length ? { exclude } : {}) };
}

export function useFeed(api: Api, mode: Mode) {
  const [view, setView] = useState<FeedView>(empty);
  const current = useRef<Feed | null>(null);
  const topics = useRef(new Map<string, string[]>());
  const asked = useRef(0);
  const supposed = useRef<Done[]>([]);
  const sent = useRef<Done[]>([]);
  const held = useRef<(Done & { timer: ReturnType<typeof setTimeout> }) | null>(null);
  const live = mode === "live";

  const show = useCallback(() => {
    const done = [...sent.current, ...(held.current ? [held.current] : []), ...supposed.current];
    const last = held.current ?? supposed.current.at(-1);
    setView((was) => ({ ...was, acts: done.map(({ act }) => act), last: last ? { what: last.what, undo: true } : null }));
  }, []);

  // Sends what is held back; the position in the log that the next feed must know.
  const flush = useCallback(async (): Promise<string | undefined> => {
    const done = held.current;
    if (!done) return undefined;
    clearTimeout(done.timer);
    held.current = null;
    const answer = await api.act(done.act);
    sent.current.push(done);
    return answer.position;
  }, [api]);

  const ask = useCallback(
    async (user: string, scene: string, after?: string, did?: string) => {
      const ticket = ++asked.current;
      setView((was) => ({ ...was, loading: true }));
      try {
        const before = current.current;
        if (before !== null && before.user_id !== user) {
          after = (await flush()) ?? after;
          supposed.current = [];
          sent.current = [];
        }
        const told = topics.current.get(user);
        const feed = await api.feed({
          user_id: user,
          scene,
          n: pageSize,
          after,
          dry_run: !live,
          ...supposing([...supposed.current, ...(held.current ? [held.current] : [])]),
          ...(told?.length ? { context: { topics: told } } : {}),
        });
        if (ticket !== asked.current) return;
        const same = before !== null && before.user_id === feed.user_id && before.scene === feed.scene;
        const moves = same ? movesBetween(before.items, feed.items) : null;
        const said = moves ? `${did ? `${did}. ` : ""}New feed in ${millis(feed.timings_ms.total ?? 0)} ms: ${sentence(moves)}.` : "";
        current.current = feed;
        setView((was) => ({ ...was, feed, moves, said, error: "", loading: false }));
        show();
      } catch (reason) {
        if (ticket === asked.current) setView((was) => ({ ...was, loading: false, error: (reason as Error).message }));
      }
    },
    [api, flush, live, show],
  );

  const send = useCallback(async () => {
    const feed = current.current;
    const what = held.current?.what;
    try {
      const position = await flush();
      if (feed && what) await ask(feed.user_id, feed.scene, position, `Sent: ${what}`);
    } catch (reason) {
      show();
      setView((was) => ({ ...was, error: `${what} was not sent. ${(reason as Error).message}` }));
    }
  }, [ask, flush, show]);

  const perform = useCallback(
    async (act: Act, what: string) => {
      const feed = current.current;
      if (!feed) return;
      try {
        const after = await flush();
        if (live) held.current = { act, what, timer: setTimeout(() => void send(), holdMs) };
        else supposed.current.push({ act, what });
        show();
        await ask(feed.user_id, feed.scene, after, what);
      } catch (reason) {
        setView((was) => ({ ...was, error: (reason as Error).message }));
      }
    },
    [ask, flush, live, send, show],
  );

  const undo = useCallback(async () => {
    const feed = current.current;
    if (held.current) clearTimeout(held.current.timer);
    const undone = held.current ?? supposed.current.pop();
    held.current = null;
    if (feed && undone) await ask(feed.user_id, feed.scene, undefined, `Undone: ${undone.what}`);
  }, [ask]);

  const act = useCallback(
    (button: ActButton, item: FeedItem, stands: boolean, title: string) => {
      const feed = current.current;
      if (!feed) return Promise.resolve();
      const body: Act = {
        action: stands ? button.undo : button.act,
        user_id: feed.user_id,
        item_id: item.id,
        author_id: item.author,
        request_id: feed.request_id,
        scene: feed.scene,
        position: item.position,
        source: item.source,
      };
      return perform(body, `${saidOf(button, stands)} ${button.of_author ? item.author : title}`);
    },
    [perform],
  );

  // All that is on the page was looked at; the next page shows what was not.
  const markSeen = useCallback(async (action: string) => {
    const feed = current.current;
    if (!feed || feed.items.length === 0) return;
    await perform(
      {
        action,
        user_id: feed.user_id,
        request_id: feed.request_id,
        scene: feed.scene,
        items: feed.items.map((item) => ({ item_id: item.id, author_id: item.author, position: item.position, source: item.source })),
      },
      "Saw this page",
    );
  }, [perform]);

  const makeUser = useCallback(
    async (id: string, chosen: string[]) => {
      topics.current.set(id, chosen);
      if (chosen.length === 0 || !live) return;
      await api.act({ action: "identify", user_id: id, traits: { topics: chosen } }).catch((reason: Error) => setView((was) => ({ ...was, error: reason.message })));
    },
    [api, live],
  );

  // Suppositions end when the real thing begins; what is held back goes out when it ends, and when the page does.
  useEffect(() => {
    if (live) supposed.current = [];
    show();
    const leave = () => void flush().catch(() => undefined);
    addEventListener("pagehide", leave);
    return () => {
      removeEventListener("pagehide", leave);
      leave();
    };
  }, [flush, live, show]);

  return { view, ask, act, markSeen, makeUser, undo };
}
