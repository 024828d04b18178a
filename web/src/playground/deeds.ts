// What the person at the playground did as a user: supposed (a dry run) or held back for a moment before it is sent.
import type { Act } from "../api";
import { capital, words } from "../format";
import type { ActButton, FeedItem } from "../types";

export interface Deeds {
  done: Set<string>; // act and item
  edges: Map<string, boolean>; // act and author -> the edge stands now, over what the feed says
}

export function opens(button: ActButton): boolean {
  return button.icon === "eye";
}

export function doneKey(act: string, id: string): string {
  return `${act} ${id}`;
}

// What the buttons of the page show after these acts, in their order.
export function shownBy(acts: Act[], buttons: ActButton[]): Deeds {
  const deeds: Deeds = { done: new Set(), edges: new Map() };
  for (const act of acts) {
    const edge = buttons.find((button) => button.undo && (button.act === act.action || button.undo === act.action));
    if (edge && act.author_id) deeds.edges.set(doneKey(edge.act, act.author_id), edge.act === act.action);
    else if (act.item_id) deeds.done.add(doneKey(act.action, act.item_id));
  }
  return deeds;
}

// Whether the edge to the item's author stands that the button makes.
export function standsFor(button: ActButton, item: FeedItem, deeds: Deeds): boolean {
  if (!button.undo) return false;
  return deeds.edges.get(doneKey(button.act, item.author)) ?? (!button.hides && (item.follows_author ?? false));
}

// "Like", "Add to cart"; what takes it back when it stands.
export function nameOf(button: ActButton, stands: boolean): string {
  return capital(words(stands && button.undo ? button.undo : button.act));
}

// What is said of it when it was done: "Liked", or "Unfollow" where the domain has no word.
export function saidOf(button: ActButton, stands: boolean): string {
  return stands || !button.said ? nameOf(button, stands) : capital(button.said);
}

const taken = "jknrwz/?";

// A key for each button: the first letter of its name that is free.
export function keysOf(buttons: ActButton[]): Map<string, ActButton> {
  const keys = new Map<string, ActButton>();
  for (const button of buttons) {
    const free = [...button.act].find((letter) => /[a-z]/.test(letter) && !taken.includes(letter) && !keys.has(letter));
    if (free && !opens(button)) keys.set(free, button);
  }
  return keys;
}
