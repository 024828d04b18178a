// What the person at the playground did as a user: supposed (a dry run) or held back for a moment before it is sent.
import type { Act } from "../api";

export interface Deeds {
  liked: Set<string>; // posts
  followed: Map<string, boolean>; // author -> followed now, over what the feed says
}

// What the buttons of the page show after these acts, in their order.
export function shownBy(acts: Act[]): Deeds {
  const deeds: Deeds = { liked: new Set(), followed: new Map() };
  for (const act of acts) {
    if (act.action === "like" && act.post_id) deeds.liked.add(act.post_id);
    if (act.action.endsWith("follow") && act.author_id) deeds.followed.set(act.author_id, act.action === "follow");
  }
  return deeds;
}
