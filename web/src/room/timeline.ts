/**
 * What people said in a room and what happened there, as this device shows it: a fold over the entries it could read.
 * Immutable, in segments of 250 items, so that one message rewrites one segment. It holds what the log has given a
 * position; what is still queued is laid over it when it is shown.
 */

import { equal, toHex } from "../bytes/bytes";
import { type CallItem, isBelievable, withWord } from "./attendance";
import type { SittingEvent } from "./callBodies";
import type { Origin } from "./origin";

export const SEGMENT_ITEMS = 250;
/** Different emoji under one post. More is noise, whoever sends it. */
const MAX_REACTIONS = 64;

export type PostItem = {
  readonly kind: "post";
  readonly id: Uint8Array;
  readonly n: number;
  /** The server's stamp. */
  readonly at: number;
  readonly author: Uint8Array;
  readonly text: string;
  readonly deleted: boolean;
  readonly editedAt: number | null;
  readonly replyTo: Uint8Array | null;
  /** Emoji, and the accounts that chose it, in order of arrival. */
  readonly reactions: readonly Reaction[];
};
export type Reaction = { readonly emoji: string; readonly who: readonly Uint8Array[] };

export type SystemCode =
  | "created"
  | "joined"
  | "left"
  | "removed"
  | "renamed"
  | "policy"
  | "rejoined"
  /** Detail: before_joined, missed, damaged or other. */
  | "unreadable"
  | "bad_commit"
  | "newer_version"
  /** Detail: why. */
  | "rang"
  | "rang_off"
  | "rang_written"
  /** What a CallItem is shown as. Detail: its minutes. */
  | "call"
  | "call_rung"
  | "call_meeting"
  /** Detail: the title, and which date. */
  | "meeting"
  | "meeting_changed"
  | "meeting_moved"
  | "meeting_cancelled"
  | "meeting_ended";

export type SystemItem = {
  readonly kind: "system";
  readonly id: Uint8Array;
  readonly n: number;
  readonly at: number;
  readonly code: SystemCode;
  readonly who: Uint8Array | null;
  readonly by: Uint8Array | null;
  readonly detail: string;
};

export type Item = PostItem | SystemItem | CallItem;
export type Segment = readonly Item[];
export type Timeline = readonly Segment[];

/** What somebody says about a post. */
export type Said =
  | {
      readonly kind: "post";
      readonly id: Uint8Array;
      readonly text: string;
      readonly replyTo: Uint8Array | null;
    }
  | { readonly kind: "edit"; readonly target: Uint8Array; readonly text: string }
  | { readonly kind: "delete"; readonly target: Uint8Array }
  | { readonly kind: "react"; readonly target: Uint8Array; readonly emoji: string; readonly on: boolean };
/** What is about a post that is there. */
export type SaidOfPost = Exclude<Said, { readonly kind: "post" }>;

export const EMPTY_TIMELINE: Timeline = [];

/** Where an item of a full segment is, by its id. Full segments do not move, so this is worked out once for each. */
const indexes = new WeakMap<Segment, ReadonlyMap<string, number>>();

function indexOf(segment: Segment, id: Uint8Array): number {
  if (segment.length < SEGMENT_ITEMS) return segment.findLastIndex((item) => equal(item.id, id));
  let index = indexes.get(segment);
  if (index === undefined) {
    index = new Map(segment.map((item, i) => [toHex(item.id), i]));
    indexes.set(segment, index);
  }
  return index.get(toHex(id)) ?? -1;
}

type Found = { readonly segment: number; readonly at: number; readonly item: Item };

function find(timeline: Timeline, id: Uint8Array): Found | null {
  for (let i = timeline.length - 1; i >= 0; i--) {
    const segment = timeline[i]!;
    const at = indexOf(segment, id);
    if (at >= 0) return { segment: i, at, item: segment[at]! };
  }
  return null;
}

export function findPost(timeline: Timeline, id: Uint8Array): PostItem | null {
  const found = find(timeline, id);
  return found?.item.kind === "post" ? found.item : null;
}

export function findSystem(timeline: Timeline, id: Uint8Array): SystemItem | null {
  const found = find(timeline, id);
  return found?.item.kind === "system" ? found.item : null;
}

function append(timeline: Timeline, item: Item): Timeline {
  const last = timeline.at(-1);
  if (last === undefined || last.length >= SEGMENT_ITEMS) return [...timeline, [item]];
  return [...timeline.slice(0, -1), [...last, item]];
}

function change(timeline: Timeline, target: Uint8Array, by: (post: PostItem) => PostItem): Timeline {
  const found = find(timeline, target);
  if (found?.item.kind !== "post") return timeline; // said before this device was there, or about nothing
  return put(timeline, found, by(found.item));
}

function put(timeline: Timeline, { segment, at, item }: Found, after: Item): Timeline {
  if (after === item) return timeline;
  return timeline.with(segment, timeline[segment]!.with(at, after));
}

/** A post after what its author, or anyone, said about it. Only authors edit and delete. */
export function changedPost(post: PostItem, said: SaidOfPost, author: Uint8Array, at: number): PostItem {
  if (post.deleted) return post;
  switch (said.kind) {
    case "edit":
      return equal(post.author, author) ? { ...post, text: said.text, editedAt: at } : post;
    case "delete":
      return equal(post.author, author) ? { ...post, text: "", deleted: true, reactions: [] } : post;
    case "react":
      return { ...post, reactions: reacted(post.reactions, said.emoji, author, said.on) };
  }
}

function reacted(
  before: readonly Reaction[],
  emoji: string,
  author: Uint8Array,
  on: boolean,
): readonly Reaction[] {
  const at = before.findIndex((one) => one.emoji === emoji);
  if (at < 0) {
    return on && before.length < MAX_REACTIONS ? [...before, { emoji, who: [author] }] : before;
  }
  const others = before[at]!.who.filter((who) => !equal(who, author));
  if (!on) return others.length > 0 ? before.with(at, { emoji, who: others }) : before.toSpliced(at, 1);
  return others.length < before[at]!.who.length
    ? before
    : before.with(at, { emoji, who: [...others, author] });
}

/** The timeline with one more thing said, at position n. A post whose id is there already changes nothing. */
export function withSaid(
  timeline: Timeline,
  said: Said,
  author: Uint8Array,
  n: number,
  at: number,
): Timeline {
  if (said.kind !== "post") {
    return change(timeline, said.target, (post) => changedPost(post, said, author, at));
  }
  return find(timeline, said.id) === null ? append(timeline, newPost(said, author, n, at)) : timeline;
}

/** With one more word about who was in a call, at position n. `origin`: what it names. */
export function withSitting(
  timeline: Timeline,
  event: SittingEvent,
  author: Uint8Array,
  n: number,
  at: number,
  origin: Origin | null,
): Timeline {
  if (!isBelievable(event, at)) return timeline;
  const id = event.body.sitting;
  const found = find(timeline, id);
  if (found === null) {
    const item: CallItem = { kind: "call", id, n, at, attended: [], records: [], origin: null };
    return append(timeline, withWord(item, author, event, origin));
  }
  if (found.item.kind !== "call") return timeline;
  return put(timeline, found, withWord(found.item, author, event, origin));
}

export function newPost(
  said: Extract<Said, { kind: "post" }>,
  author: Uint8Array,
  n: number,
  at: number,
): PostItem {
  const { id, text, replyTo } = said;
  return {
    kind: "post",
    id,
    n,
    at,
    author,
    text,
    deleted: false,
    editedAt: null,
    replyTo,
    reactions: [],
  };
}

export function withSystem(timeline: Timeline, item: Omit<SystemItem, "kind">): Timeline {
  return append(timeline, { kind: "system", ...item });
}

export function itemCount(timeline: Timeline): number {
  const last = timeline.at(-1);
  return last === undefined ? 0 : (timeline.length - 1) * SEGMENT_ITEMS + last.length;
}

/** The latest items, in order. */
export function latest(timeline: Timeline, count: number): readonly Item[] {
  const out: Item[] = [];
  for (let i = timeline.length - 1; i >= 0 && out.length < count; i--) {
    out.unshift(...timeline[i]!.slice(-(count - out.length)));
  }
  return out;
}

/** How many posts of others stand above a position. */
export function unreadAbove(timeline: Timeline, n: number, me: Uint8Array): number {
  let count = 0;
  for (let i = timeline.length - 1; i >= 0; i--) {
    const segment = timeline[i]!;
    for (let at = segment.length - 1; at >= 0; at--) {
      const item = segment[at]!;
      if (item.n <= n) return count;
      if (item.kind === "post" && !item.deleted && !equal(item.author, me)) count++;
    }
  }
  return count;
}
