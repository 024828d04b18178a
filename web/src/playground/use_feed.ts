// The playground's state: whose feed, the page, what moved, and what the person did to it.
import { useCallback, useRef, useState } from "react";

import type { Act, Api } from "../api";
import { millis } from "../format";
import { movesBetween, sentence, type Moves } from "../feed_moves";
import type { Feed, FeedItem } from "../types";
import type { Deed } from "./item_card";

export const pageSize = 20;

export interface FeedView {
  feed: Feed | null;
  moves: Moves | null;
  error: string;
  loading: boolean;
  said: string; // told to the person, and to screen readers
  liked: Set<string>;
  followed: Map<string, boolean>; // author -> followed in this session, over what the feed says
}

const empty: FeedView = { feed: null, moves: null, error: "", loading: false, said: "", liked: new Set(), followed: new Map() };

const deedWords: Record<string, string> = {
  click: "Opened",
  like: "Liked",
  follow: "Followed",
  unfollow: "Unfollowed",
  hide: "Hid",
};

export function useFeed(api: Api) {
  const [view, setView] = useState<FeedView>(empty);
  const current = useRef<Feed | null>(null);
  const topics = useRef(new Map<string, string[]>());
  const asked = useRef(0);

  const ask = useCallback(
    async (user: string, scene: string, after?: string, did?: string) => {
      const ticket = ++asked.current;
      setView((was) => ({ ...was, loading: true }));
      const told = topics.current.get(user);
      try {
        const feed = await api.feed({ user_id: user, scene, n: pageSize, after, ...(told?.length ? { context: { topics: told } } : {}) });
        if (ticket !== asked.current) return;
        const before = current.current;
        const same = before !== null && before.user_id === feed.user_id && before.scene === feed.scene;
        const moves = same ? movesBetween(before.items, feed.items) : null;
        const said = moves ? `${did ? `${did}. ` : ""}New feed in ${millis(feed.timings_ms.total ?? 0)} ms: ${sentence(moves)}.` : "";
        current.current = feed;
        setView((was) => ({ ...(same ? was : empty), feed, moves, said, error: "", loading: false }));
      } catch (reason) {
        if (ticket === asked.current) setView((was) => ({ ...was, loading: false, error: (reason as Error).message }));
      }
    },
    [api],
  );

  const act = useCallback(
    async (deed: Exclude<Deed, "why">, item: FeedItem, following: boolean) => {
      const feed = current.current;
      if (!feed) return;
      const action = deed === "follow" && following ? "unfollow" : deed;
      const body: Act = {
        action,
        user_id: feed.user_id,
        post_id: item.id,
        author_id: item.author,
        request_id: feed.request_id,
        scene: feed.scene,
        position: item.position,
        source: item.source,
      };
      setView((was) => {
        const liked = new Set(was.liked);
        const followed = new Map(was.followed);
        if (action === "like") liked.add(item.id);
        if (deed === "follow") followed.set(item.author, !following);
        return { ...was, liked, followed };
      });
      try {
        const answer = await api.act(body);
        const what = deed === "follow" ? item.author : item.id;
        await ask(feed.user_id, feed.scene, answer.position, `${deedWords[action]} ${what}`);
      } catch (reason) {
        setView((was) => ({ ...was, error: (reason as Error).message }));
      }
    },
    [api, ask],
  );

  // Tells the server that all that is on the page was looked at; the next page shows what was not.
  const markSeen = useCallback(async () => {
    const feed = current.current;
    if (!feed || feed.items.length === 0) return;
    try {
      const answer = await api.act({
        action: "impression",
        user_id: feed.user_id,
        request_id: feed.request_id,
        scene: feed.scene,
        items: feed.items.map((item) => ({ post_id: item.id, author_id: item.author, position: item.position, source: item.source })),
      });
      await ask(feed.user_id, feed.scene, answer.position, "Seen");
    } catch (reason) {
      setView((was) => ({ ...was, error: (reason as Error).message }));
    }
  }, [api, ask]);

  const makeUser = useCallback(
    async (id: string, chosen: string[]) => {
      topics.current.set(id, chosen);
      if (chosen.length === 0) return;
      await api.act({ action: "identify", user_id: id, traits: { topics: chosen } }).catch((reason: Error) => setView((was) => ({ ...was, error: reason.message })));
    },
    [api],
  );

  return { view, ask, act, markSeen, makeUser };
}
