// Talks to /v1/admin/. The token lives in this tab's session storage only.
import { EventStreamParser } from "./event_stream";
import type { BundleRow, EventRow, Explained, Feed, FeedItem, Keys, Nightly, PlannedEvent, Promotion, RunRow, ServerState, UserRow } from "./types";

const tokenKey = "feedmill.token";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export function readToken(): string {
  // A printed link carries the token behind the #; it is taken and wiped from the address at once.
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(tokenKey, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(tokenKey) ?? "";
}

export function keepToken(token: string): void {
  if (token) sessionStorage.setItem(tokenKey, token);
  else sessionStorage.removeItem(tokenKey);
}

export interface FeedRequest {
  user_id: string;
  scene: string;
  n: number;
  after?: string;
  context?: { topics: string[] };
  dry_run?: boolean; // leaves no row behind
  suppose?: Act[]; // answered as if these had been done
  exclude?: string[]; // posts not to show
}

export interface Act {
  action: string;
  user_id: string;
  item_id?: string;
  author_id?: string;
  request_id?: string;
  scene?: string;
  position?: number;
  source?: string;
  items?: { item_id: string; author_id: string; position: number; source: string }[];
  traits?: Record<string, unknown>;
}

export class Api {
  constructor(
    private readonly token: string,
    private readonly onRefused: () => void,
  ) {}

  state = () => this.get<ServerState>("state");
  users = async (q: string, limit = 60) =>
    (await this.get<{ users: UserRow[] }>(`users?q=${encodeURIComponent(q)}&limit=${limit}`)).users;
  // Null where the server has no part in the nights.
  nightly = () => this.get<{ nightly: Nightly }>("status").then(
    (status) => status.nightly,
    (reason: unknown) => {
      if (reason instanceof ApiError && [404, 501].includes(reason.status)) return null;
      throw reason;
    },
  );
  events = async (limit = 30, kind: "all" | "refused" = "all") =>
    (await this.get<{ events: EventRow[] }>(`events?limit=${limit}&kind=${kind}`)).events;
  plan = async () => (await this.get<{ events: PlannedEvent[] }>("plan")).events;
  keys = () => this.get<Keys>("keys");
  titles = async (items: FeedItem[]) => {
    const posts = items.flatMap(({ id, created_at }) => (created_at ? [{ id, created_at }] : []));
    return posts.length === 0 ? {} : (await this.post<{ titles: Record<string, string> }>("titles", { posts })).titles;
  };
  bundles = async () => (await this.get<{ bundles: BundleRow[] }>("bundles")).bundles;
  promote = (id: string, force: boolean) => this.post<Promotion>("bundle/promote", { id, force });
  rollback = () => this.post<Promotion>("bundle/rollback", {});
  runs = async () => (await this.get<{ runs: RunRow[] }>("runs?limit=10")).runs;
  feed = (request: FeedRequest) => this.post<Feed>("feed", { ...request, debug: true });
  explain = (requestId: string) => this.get<Explained>(`explain/${encodeURIComponent(requestId)}`);
  act = (act: Act) => this.post<{ success: boolean; position?: string }>("act", act);

  private get<T>(path: string): Promise<T> {
    return this.send<T>(path, { method: "GET" });
  }

  private post<T>(path: string, body: unknown): Promise<T> {
    // What was done is sent even when the page is left at that moment.
    return this.send<T>(path, { method: "POST", body: JSON.stringify(body), keepalive: path === "act" });
  }

  // Messages as they come, oldest first, those that are kept at once; until the server ends or the signal says so.
  async follow(kind: "all" | "refused", after: number, onRows: (rows: EventRow[]) => void, signal: AbortSignal): Promise<void> {
    const response = await this.ask(`events/live?kind=${kind}&after=${after}`, { method: "GET", signal });
    onRows([]); // it listens
    const parser = new EventStreamParser();
    const decoder = new TextDecoder();
    const reader = response.body!.getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const events = parser.feed(decoder.decode(piece.value, { stream: true }));
      const rows = events.filter(({ event }) => event === "message").map(({ data }) => JSON.parse(data) as EventRow);
      if (rows.length > 0) onRows(rows);
    }
  }

  private async send<T>(path: string, init: RequestInit): Promise<T> {
    const response = await this.ask(path, init);
    return (await response.json().catch(() => null)) as T;
  }

  private async ask(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`/v1/admin/${path}`, {
        ...init,
        headers: { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" },
      });
    } catch {
      throw new ApiError(0, "The server does not answer.");
    }
    if (response.status === 401) this.onRefused();
    if (response.ok) return response;
    throw new ApiError(response.status, messageOf(await response.json().catch(() => null)) ?? `The server answered ${response.status}.`);
  }
}

interface ErrorBody {
  error?: { message?: string; found?: string; allowed?: string };
}

export function messageOf(body: unknown): string | undefined {
  const error = (body as ErrorBody | null)?.error;
  if (!error?.message) return undefined;
  const parts = [error.found && `found ${error.found}`, error.allowed && `allowed: ${error.allowed}`].filter(Boolean);
  return parts.length ? `${error.message} (${parts.join(", ")})` : error.message;
}
