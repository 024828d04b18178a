// What the server answers.

export interface FunnelStep {
  stage: string;
  count: number;
  ms: number;
}

export interface ActionScore {
  probability: number;
  weight: number;
}

export interface FeedItem {
  id: string;
  author: string;
  topic?: string;
  score: number;
  source: string;
  sources: string[];
  reason: string;
  position: number;
  created_at?: string; // not of items that no event makes
  follows_author?: boolean;
  ranked_position?: number;
  move?: string;
  actions?: Record<string, ActionScore>;
  features?: Record<string, number | null>;
}

export interface Feed {
  request_id: string;
  user_id: string;
  scene: string;
  now: string;
  items: FeedItem[];
  bundle: string | null;
  degraded: string[];
  timings_ms: Record<string, number>;
  funnel: FunnelStep[];
  filtered: Record<string, number>;
}

export interface ExplainedItem {
  post_id: string;
  author_id: string;
  position?: number;
  reason?: string;
  source: string;
  sources: string[];
  score: number;
  recall: number;
  ranked_position: number;
  move: string;
  probabilities?: number[];
  features?: (number | null)[];
}

export interface Explained {
  request_id: string;
  user_id: string;
  scene: string;
  time: string;
  bundle: string | null;
  total_ms: number;
  actions?: string[];
  weights?: number[];
  feature_names?: string[];
  items: ExplainedItem[];
  sampled: ExplainedItem[];
}

export interface History {
  events_per_s: number[];
  feeds_per_s: number[];
  feed_p50_ms: number[];
  feed_p99_ms: number[];
  log_lag_records: number[];
}

export interface ServerState {
  now: string;
  clock_driven: boolean;
  version: string;
  events_total: number;
  rejected_total: number;
  events_per_s: number;
  feeds_per_s: number;
  feed_p50_ms: number;
  feed_p99_ms: number;
  log_lag_records: number;
  lake_lag_records: number;
  lake_age_s: number | null;
  users: number;
  posts: number;
  bundle: { id: string; created_at: string | null; age_s: number | null; metrics: Record<string, number> } | null;
  scenes: { name: string; description: string }[];
  acts: ActButton[];
  history: History;
}

// What a person can do to an item or to its author: the actions of the app's domain.
export interface ActButton {
  act: string;
  undo: string; // the act that takes it back; "" when there is none
  said: string; // "liked"; may be ""
  icon: string; // "eye": the item's title is this button
  shown: boolean; // no button: said of all items of a page at once
  of_author: boolean;
  hides: boolean; // of a relation that hides: what is on a page stands under none
}

// What only the running server knows of its nights.
export interface Nightly {
  at: string; // time of day; "" when it does not run by itself
  next: string | null;
  running: boolean;
  last: { id: string; state: string; started_at: string | null } | null;
  last_error: string;
  left_out: { model: string; text: string; late_rows: number; command: string }[]; // by the newest nightly or backfill
}

export interface UserRow {
  id: string;
  follows: number;
  actions: number;
  last_action_at: string | null;
}

export interface EventRow {
  sequence: number;
  time: string;
  kind: "event" | "refused" | "feed";
  type: string;
  name: string;
  user_id: string;
  message_id: string;
  source: string;
  payload: string;
  rule: string;
  field: string;
  reason: string;
}

export interface PropertySchema {
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  examples?: unknown[];
}

export interface EventSchema {
  description?: string;
  properties?: Record<string, PropertySchema>;
  required?: string[];
  additionalProperties?: boolean;
}

export interface PlannedEvent {
  name: string;
  schema: EventSchema | null;
}

export interface Keys {
  write: string;
  read: string;
}

export interface BundleRow {
  id: string;
  state: string;
  created_at: string | null;
  metrics: Record<string, number>;
  note: string;
}

export interface CheckRow {
  rule: string;
  passed: boolean;
  found: string;
}

export interface StepRow {
  name: string;
  state: string;
  seconds: number;
  rows: number | null;
  attempts: number;
  message: string;
  checks: CheckRow[];
}

// Events that a run has left out of a table; the command brings them in ("" when a later run does by itself).
export interface LeftOut {
  model: string;
  text: string;
  command: string;
}

export interface RunRow {
  id: string;
  state: string;
  started_at: string | null;
  finished_at: string | null;
  interval: string;
  steps: StepRow[];
  left_out: LeftOut[];
}

export interface Promotion {
  promoted: boolean;
  reason: string;
}
