import { useCallback, useEffect, useRef, useState } from "react";

import type { Api } from "../api";
import { useGlide, usePolled } from "../hooks";
import { Icon } from "../icons";
import { Tiles } from "../tiles";
import type { FeedItem, ServerState, UserRow } from "../types";
import { Activity } from "./activity";
import { Funnel } from "./funnel";
import { HelpDialog } from "./help_dialog";
import { type Deed, ItemCard } from "./item_card";
import { NewUserDialog } from "./new_user_dialog";
import { useFeed } from "./use_feed";
import { UserPicker } from "./user_picker";
import { WhyDrawer } from "./why_drawer";

const searchDelayMs = 150;
const activityMs = 2000;

function useUsers(api: Api, search: string): { users: UserRow[] | null; error: string } {
  const [users, setUsers] = useState<UserRow[] | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    let late = false;
    const timer = setTimeout(() => {
      api.users(search.trim()).then(
        (found) => !late && (setUsers(found), setError("")),
        (reason: Error) => !late && setError(reason.message),
      );
    }, searchDelayMs);
    return () => {
      late = true;
      clearTimeout(timer);
    };
  }, [api, search]);
  return { users, error };
}

// The home feed first, the others by name.
function sortedScenes(state: ServerState | null): ServerState["scenes"] {
  const scenes = state?.scenes ?? [{ name: "home", description: "" }];
  return [...scenes].sort((a, b) => Number(b.name === "home") - Number(a.name === "home") || a.name.localeCompare(b.name));
}

function newUserId(): string {
  return `guest-${Math.random().toString(36).slice(2, 7)}`;
}

type Shown = "none" | "help" | "new";

export function Playground({ api, state }: { api: Api; state: ServerState | null }) {
  const [search, setSearch] = useState("");
  const { users, error: usersError } = useUsers(api, search);
  const [user, setUser] = useState("");
  const [scene, setScene] = useState("home");
  const [selected, setSelected] = useState(0);
  const [why, setWhy] = useState<FeedItem | null>(null);
  const [shown, setShown] = useState<Shown>("none");
  const [topics, setTopics] = useState<string[] | null>(null);
  const { view, ask, act, markSeen, makeUser } = useFeed(api);
  const activity = usePolled(() => api.activity(), activityMs);
  const list = useRef<HTMLOListElement>(null);
  const searchBox = useRef<HTMLInputElement>(null);
  const items = view.feed?.items ?? [];
  useGlide(list, view.feed?.request_id);

  useEffect(() => {
    if (!user && users?.[0]) setUser(users[0].id);
  }, [user, users]);
  useEffect(() => {
    if (!user) return;
    setSelected(0);
    setWhy(null);
    void ask(user, scene);
  }, [ask, user, scene]);

  const onDeed = useCallback(
    (deed: Deed, item: FeedItem) => {
      if (deed === "why") setWhy(item);
      else void act(deed, item, view.followed.get(item.author) ?? item.follows_author ?? false);
    },
    [act, view.followed],
  );

  const openNew = useCallback(() => {
    setShown("new");
    // The topics there are, read off a wide page of what is popular.
    api.feed({ user_id: newUserId(), scene: "trending", n: 100 }).then(
      (feed) => setTopics([...new Set(feed.items.map((item) => item.topic ?? "").filter(Boolean))].sort()),
      () => setTopics([]),
    );
  }, [api]);

  useKeys({
    enabled: shown === "none",
    items,
    selected,
    select: (place) => {
      setSelected(place);
      const card = list.current?.children[place] as HTMLElement | undefined;
      card?.querySelector<HTMLElement>(".card-title")?.focus({ preventScroll: true });
      card?.scrollIntoView({ block: "nearest" });
    },
    onDeed,
    onHelp: () => setShown("help"),
    onNew: openNew,
    onSearch: () => searchBox.current?.focus(),
    onRefresh: () => void ask(user, scene),
    onEscape: () => setWhy(null),
  });

  const now = view.feed?.now ?? state?.now ?? new Date().toISOString();
  return (
    <main className="page">
      <Tiles state={state} />
      <div className="playground">
        <UserPicker ref={searchBox} users={users} error={usersError} search={search} chosen={user} now={now} onSearch={setSearch} onChoose={setUser} onNew={openNew} />
        <section className="feed" aria-label="Feed" aria-busy={view.loading}>
          <header className="feed-head">
            <h1>{user || "Playground"}</h1>
            <div className="feed-tools">
              <div className="segments" role="group" aria-label="Scene">
                {sortedScenes(state).map((known) => (
                  <button key={known.name} type="button" aria-pressed={scene === known.name} title={known.description} onClick={() => setScene(known.name)}>
                    {known.name}
                  </button>
                ))}
              </div>
              <button type="button" className="button" title="Count this page as seen and ask for the next" disabled={!items.length} onClick={() => void markSeen()}>
                Seen, next
              </button>
              <button type="button" className="deed" title="Ask again (R)" aria-label="Ask again" onClick={() => void ask(user, scene)}>
                <Icon name="refresh" />
              </button>
              <button type="button" className="deed" title="Keys (?)" aria-label="Keys" onClick={() => setShown("help")}>
                <Icon name="keys" />
              </button>
            </div>
            <p className="quiet" role="status" aria-live="polite">
              {view.said || (view.feed ? `${items.length} items${view.feed.bundle ? ` · bundle ${view.feed.bundle.slice(0, 8)}` : " · no bundle yet"}` : "Choose a user")}
            </p>
          </header>
          {view.error && (
            <p className="error-box" role="alert">
              {view.error}
            </p>
          )}
          {!view.feed && !view.error && <FeedSkeleton idle={users?.length === 0} />}
          {view.feed && items.length === 0 && <p className="empty big">Nothing to show here: {emptyReason(view.feed.scene)}</p>}
          <ol className="cards" ref={list} data-request={view.feed?.request_id}>
            {items.map((item, place) => (
              <ItemCard key={item.id} item={item} place={place} now={now} selected={place === selected} liked={view.liked.has(item.id)}
                following={view.followed.get(item.author) ?? item.follows_author ?? false} moved={view.moves?.byId.get(item.id)}
                onSelect={setSelected} onDeed={onDeed} />
            ))}
          </ol>
        </section>
        <div className="side">
          <Funnel feed={view.feed} />
          <Activity rows={activity.value} now={state?.now ?? now} />
        </div>
      </div>
      {why && view.feed && <WhyDrawer key={view.feed.request_id + why.id} api={api} feed={view.feed} item={why} onClose={() => setWhy(null)} />}
      {shown === "help" && <HelpDialog onClose={() => setShown("none")} />}
      {shown === "new" && (
        <NewUserDialog suggested={newUserId()} topics={topics} onClose={() => setShown("none")}
          onMake={(id, chosen) => {
            setShown("none");
            void makeUser(id, chosen).then(() => (id === user ? ask(id, scene) : setUser(id)));
          }}
        />
      )}
    </main>
  );
}

function FeedSkeleton({ idle }: { idle: boolean }) {
  if (idle) return <p className="empty big">No user yet. Make one, or send events to /v1/batch.</p>;
  return (
    <div aria-busy="true">
      {[0, 1, 2, 3, 4].map((i) => (
        <div key={i} className="skeleton card-skeleton" />
      ))}
    </div>
  );
}

function emptyReason(scene: string): string {
  return scene === "following" ? "this user follows nobody who posted lately, or has seen it all." : "everything there is was seen, hidden or is too old.";
}

interface Keys {
  enabled: boolean;
  items: FeedItem[];
  selected: number;
  select: (place: number) => void;
  onDeed: (deed: Deed, item: FeedItem) => void;
  onHelp: () => void;
  onNew: () => void;
  onSearch: () => void;
  onRefresh: () => void;
  onEscape: () => void;
}

const deedKeys: Record<string, Deed> = { l: "like", f: "follow", h: "hide", w: "why" };

function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const { enabled, items, selected, select, onDeed, ...on } = latest.current;
      const target = event.target as HTMLElement;
      if (!enabled || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Escape") return on.onEscape();
      if (/^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
      const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
      const item = items[selected];
      const deed = deedKeys[event.key.toLowerCase()];
      if (step !== undefined && items.length) {
        event.preventDefault();
        select(Math.min(items.length - 1, Math.max(0, selected + step)));
      } else if (deed && item) onDeed(deed, item);
      else if (event.key === "Enter" && item && !/^(BUTTON|A)$/.test(target.tagName)) onDeed("click", item);
      else if (event.key === "?") on.onHelp();
      else if (event.key === "n") on.onNew();
      else if (event.key === "r") on.onRefresh();
      else if (event.key === "/") {
        event.preventDefault();
        on.onSearch();
      }
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}
