import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import type { Api } from "../api";
import { useGlide, useMedia, usePolled } from "../hooks";
import { Modal } from "../modal";
import { Tiles } from "../tiles";
import type { ActButton, FeedItem, Nightly, ServerState, UserRow } from "../types";
import { Activity } from "./activity";
import { doneKey, shownBy, standsFor } from "./deeds";
import { FeedHead } from "./feed_head";
import { Funnel } from "./funnel";
import { HelpDialog } from "./help_dialog";
import { type Deed, ItemCard } from "./item_card";
import { NewUserDialog } from "./new_user_dialog";
import { type Mode, useFeed } from "./use_feed";
import { useKeys } from "./use_keys";
import { useTitles } from "./use_titles";
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

function newUserId(): string {
  return `guest-${Math.random().toString(36).slice(2, 7)}`;
}

type Shown = "none" | "help" | "new" | "users";

interface Props {
  api: Api;
  state: ServerState | null;
  nightly: Nightly | null;
  stale: boolean;
  onEvents: () => void;
}

export function Playground({ api, state, nightly, stale, onEvents }: Props) {
  const [search, setSearch] = useState("");
  const { users, error: usersError } = useUsers(api, search);
  const [user, setUser] = useState("");
  const [scene, setScene] = useState("home");
  const [mode, setMode] = useState<Mode>("dry");
  const [selected, setSelected] = useState(0);
  const [why, setWhy] = useState<FeedItem | null>(null);
  const [shown, setShown] = useState<Shown>("none");
  const [topics, setTopics] = useState<string[] | null>(null);
  const { view, ask, act, markSeen, makeUser, undo } = useFeed(api, mode);
  const titles = useTitles(api, view.feed);
  const activity = usePolled(() => api.events(), activityMs);
  const narrow = useMedia("(max-width: 760px)");
  const list = useRef<HTMLOListElement>(null);
  const searchBox = useRef<HTMLInputElement>(null);
  const items = view.feed?.items ?? [];
  const text = JSON.stringify(state?.acts ?? []); // the state is polled, and its lists are others each time
  const acts = useMemo(() => JSON.parse(text) as ActButton[], [text]);
  const buttons = useMemo(() => acts.filter((act) => !act.shown), [acts]);
  const seen = acts.find((act) => act.shown)?.act ?? "";
  const deeds = useMemo(() => shownBy(view.acts, buttons), [view.acts, buttons]);
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
      else void act(deed, item, standsFor(deed, item, deeds), titles.get(item.id) ?? item.id);
    },
    [act, deeds, titles],
  );

  const openNew = useCallback(() => {
    setShown("new");
    // The topics there are, read off a wide page of what is popular.
    api.feed({ user_id: newUserId(), scene: "trending", n: 100, dry_run: true }).then(
      (feed) => setTopics([...new Set(feed.items.map((item) => item.topic ?? "").filter(Boolean))].sort()),
      () => setTopics([]),
    );
  }, [api]);

  const cardAt = (place: number) => list.current?.children[place] as HTMLElement | undefined;
  const choose = (id: string) => {
    setUser(id);
    setShown("none");
  };

  useKeys({
    enabled: shown === "none" && why === null,
    items,
    buttons,
    selected,
    select: (place) => {
      setSelected(place);
      cardAt(place)?.querySelector<HTMLElement>(".card-title")?.focus({ preventScroll: true });
      cardAt(place)?.scrollIntoView({ block: "nearest" });
    },
    onDeed,
    onHelp: () => setShown("help"),
    onNew: openNew,
    onSearch: () => (narrow ? setShown("users") : searchBox.current?.focus()),
    onRefresh: () => void ask(user, scene),
    onUndo: () => void undo(),
  });

  const now = view.feed?.now ?? state?.now ?? new Date().toISOString();
  const picker = (
    <UserPicker ref={searchBox} users={users} error={usersError} search={search} chosen={user} now={now} onSearch={setSearch} onChoose={choose} onNew={openNew} />
  );
  const feed = (
    <section className="feed" aria-label="Feed" aria-busy={view.loading}>
      <FeedHead user={user} scenes={state?.scenes ?? null} scene={scene} mode={mode} view={view} narrow={narrow} onScene={setScene} onMode={setMode}
        onUsers={() => setShown("users")} onSeen={() => void markSeen(seen)} onAsk={() => void ask(user, scene)} onKeys={() => setShown("help")} />
      {view.error && (
        <p className="error-box" role="alert">
          {view.error}
        </p>
      )}
      {!view.feed && !view.error && <FeedSkeleton idle={users?.length === 0} />}
      {view.feed && items.length === 0 && <p className="empty big">Nothing to show here: {emptyReason(view.feed.degraded, view.feed.scene)}</p>}
      <ol className="cards" ref={list} data-request={view.feed?.request_id}>
        {items.map((item, place) => (
          <ItemCard key={item.id} item={item} title={titles.get(item.id)} place={place} now={now} selected={place === selected}
            buttons={buttons} done={buttons.map(({ act }) => (deeds.done.has(doneKey(act, item.id)) ? ` ${act} ` : "")).join("")}
            standing={buttons.map((button) => (standsFor(button, item, deeds) ? ` ${button.act} ` : "")).join("")} moved={view.moves?.byId.get(item.id)}
            onSelect={setSelected} onDeed={onDeed} />
        ))}
      </ol>
      {view.last && (
        <div className="undo-bar" role="status">
          <span>
            {view.last.what}
            <span className="quiet">{mode === "dry" ? " · supposed, not sent" : " · sent in a moment"}</span>
          </span>
          <button type="button" className="button small" onClick={() => void undo()}>
            Undo <kbd>Z</kbd>
          </button>
        </div>
      )}
    </section>
  );
  return (
    <main className="page">
      {!narrow && <Tiles state={state} nightly={nightly} stale={stale} />}
      <div className="playground">
        {!narrow && picker}
        {feed}
        <div className="side">
          {narrow && <Tiles state={state} nightly={nightly} stale={stale} />}
          <Funnel feed={view.feed} />
          <Activity rows={activity.value} now={state?.now ?? now} onAll={onEvents} />
        </div>
      </div>
      {why && view.feed && (
        <WhyDrawer key={why.id} api={api} feed={view.feed} item={why} title={titles.get(why.id) ?? why.id} onClose={() => setWhy(null)}
          returnTo={() => cardAt(selected)?.querySelector<HTMLElement>(".deed-why")} />
      )}
      {shown === "help" && <HelpDialog buttons={buttons} onClose={() => setShown("none")} />}
      {shown === "users" && (
        <Modal className="dialog sheet" label="Whose feed" onClose={() => setShown("none")}>
          {picker}
        </Modal>
      )}
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
  if (idle) return <p className="empty big">No user yet. Make one, or send events: the Events page has lines to copy.</p>;
  return (
    <div aria-busy="true">
      {[0, 1, 2, 3, 4].map((i) => (
        <div key={i} className="skeleton card-skeleton" />
      ))}
    </div>
  );
}

// The server says why when it knows.
function emptyReason(degraded: string[], scene: string): string {
  if (degraded.length > 0) return `${degraded.join("; ")}.`;
  return scene === "following" ? "this user follows nobody who posted lately, or has seen it all." : "everything there is was seen, hidden or is too old.";
}
