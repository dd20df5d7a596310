/** A room as it is shown: the timeline, what is still on its way laid over it, and the people. */

import { equal, toHex } from "../../bytes/bytes";
import { type CallItem, summaryOf } from "../attendance";
import { accountsOf, leavesOf } from "../roster";
import {
  changedPost,
  findPost,
  type Item,
  itemCount,
  latest,
  newPost,
  type PostItem,
  unreadAbove,
} from "../timeline";
import { approvalsNeeded } from "../validity";
import { saidBy } from "./said";
import { type Membership, type Outgoing, type RoomState, SILENT } from "./state";
import type { Delivery, Env, RoomSight, SightCall, SightItem, SightMember } from "./surface";

/** What is there to see; `items` is how many of the latest items. */
export function roomView(state: RoomState, env: Env, items: number): RoomSight {
  const { membership, timeline, readUpTo, provisional, confirmedAt, newcomer } = state;
  const shown = withOutbox(state, env, latest(timeline, items));
  const last = shown.findLast((item) => item.kind === "post");
  const context = membership?.context ?? null;
  const amFounder = context !== null && equal(context.founder, env.me.accountId);
  const delivered = deliveredUpTo(state, env);
  return {
    roomId: state.roomId,
    title: state.title,
    state: sightState(state),
    members: membership === null ? [] : membersOf(state, env, membership),
    items: shown.map((item) => sightOf(state, env, item, delivered)),
    older: itemCount(timeline) > items,
    readUpTo,
    unread: unreadAbove(timeline, readUpTo, env.me.accountId),
    lastAt: shown.at(-1)?.at ?? 0,
    lastText: last?.text ?? "",
    typing: typingNow(state, env),
    invites: (context?.invites ?? []).map((invite) => ({
      inviteId: invite.id,
      by: invite.inviter,
      mine: equal(invite.inviter, env.me.accountId),
      notAfter: invite.notAfter,
    })),
    removals: membership === null ? [] : removalsOf(state, env, membership),
    removesAlone: amFounder,
    amFounder,
    provisional: provisional !== null || newcomer !== null,
    confirmedAt,
    call: callOf(state, env),
    rings: state.fold.rings,
    meetings: state.fold.meetings,
  };
}

function sightState({ stage, pause }: RoomState): RoomSight["state"] {
  if (stage !== "member") return stage;
  return pause === null ? "ready" : "paused";
}

/** Posts that are still on their way at the end, and what is on its way about others over them. */
function withOutbox({ outbox, timeline }: RoomState, env: Env, shown: readonly Item[]): readonly Item[] {
  const me = env.me.accountId;
  const items = [...shown];
  for (const { id, event, at } of outbox) {
    const said = saidBy(id, event);
    if (said === null) continue;
    if (said.kind === "post") {
      if (findPost(timeline, id) === null) items.push(newPost(said, me, 0, at));
      continue;
    }
    const target = items.findIndex((item) => item.kind === "post" && equal(item.id, said.target));
    const post = items[target];
    if (post?.kind === "post") items[target] = changedPost(post, said, me, at);
  }
  return items;
}

function nameOf({ names }: RoomState, account: Uint8Array | null): string {
  return account === null ? "" : (names.get(toHex(account)) ?? "");
}

function sightOf(state: RoomState, env: Env, item: Item, delivered: number): SightItem {
  if (item.kind === "call") return sightOfCall(state, item);
  if (item.kind === "system") {
    return { ...item, who: nameOf(state, item.who), by: nameOf(state, item.by) };
  }
  const { author, replyTo, reactions, ...post } = item;
  const me = env.me.accountId;
  return {
    ...post,
    author,
    authorName: nameOf(state, author),
    mine: equal(author, me),
    replyTo: replyTo && quoted(state, env, replyTo),
    reactions: reactions.map(({ emoji, who }) => ({
      emoji,
      who: who.map((one) => nameOf(state, one)),
      mine: who.some((one) => equal(one, me)),
    })),
    delivery: deliveryOf(state, item, delivered),
  };
}

/** Who was there, for how many minutes it went on, and what it was. */
function sightOfCall(state: RoomState, item: CallItem): SightItem {
  const { began, ended, people, origin } = summaryOf(item);
  const who = people.map(({ account }) => nameOf(state, account)).join(", ");
  const detail = String(Math.max(Math.floor((ended - began + 30_000) / 60_000), 1));
  const { id, n, at } = item;
  const line = { kind: "system", id, n, at, who, by: "", detail } as const;
  if (origin?.kind === "ring" && origin.why !== "")
    return { ...line, code: "call_rung", by: nameOf(state, origin.by), about: origin.why };
  if (origin?.kind === "meeting" && origin.title !== "")
    return { ...line, code: "call_meeting", about: `${origin.title}, ${origin.start.replace("T", " ")}` };
  return { ...line, code: "call" };
}

/** How much of a post is shown above a reply to it. */
const QUOTE_LENGTH = 200;

function quoted(
  state: RoomState,
  env: Env,
  id: Uint8Array,
): { id: Uint8Array; name: string; text: string } | null {
  const post = findPost(state.timeline, id) ?? queued(state.outbox, env, id);
  if (post === null) return null;
  return { id, name: nameOf(state, post.author), text: [...post.text].slice(0, QUOTE_LENGTH).join("") };
}

function queued(outbox: readonly Outgoing[], env: Env, id: Uint8Array): PostItem | null {
  const one = outbox.find((other) => equal(other.id, id));
  const said = one === undefined ? null : saidBy(id, one.event);
  return said?.kind === "post" ? newPost(said, env.me.accountId, 0, one?.at ?? 0) : null;
}

function deliveryOf({ outbox }: RoomState, { n, id }: PostItem, delivered: number): Delivery {
  if (n > 0) return n <= delivered ? "delivered" : "server";
  return outbox.some((one) => equal(one.id, id) && one.acked > 0) ? "server" : "queued";
}

/** Up to where every device of the others has everything, by the server's word; 0 where there is nobody else. */
function deliveredUpTo({ membership, cursors }: RoomState, env: Env): number {
  if (membership === null) return 0;
  const others = [...membership.roster.values()].filter(
    ({ accountId }) => !equal(accountId, env.me.accountId),
  );
  if (others.length === 0) return 0;
  return Math.min(...others.map(({ deviceId }) => cursors.get(toHex(deviceId)) ?? 0));
}

function membersOf(state: RoomState, env: Env, { roster, context }: Membership): readonly SightMember[] {
  const { here } = state.presence;
  return accountsOf(roster).map((accountId) => {
    const leaves = leavesOf(roster, accountId).map((leaf) => roster.get(leaf)!);
    const mine = equal(accountId, env.me.accountId);
    const online = leaves.some(({ deviceId }) => (here.get(toHex(deviceId)) ?? 0) > env.now);
    return {
      accountId,
      rootKey: leaves[0]!.rootKey,
      name: mine ? env.me.name : nameOf(state, accountId),
      devices: leaves.length,
      founder: equal(accountId, context.founder),
      online: online || (mine && state.link.connected),
    };
  });
}

function typingNow({ presence, membership }: RoomState, env: Env): readonly Uint8Array[] {
  if (membership === null) return [];
  const { typing } = presence;
  return accountsOf(
    new Map([...membership.roster].filter(([, who]) => (typing.get(toHex(who.deviceId)) ?? 0) > env.now)),
  ).filter((account) => !equal(account, env.me.accountId));
}

function removalsOf(state: RoomState, env: Env, { context, roster }: Membership): RoomSight["removals"] {
  return context.pending.flatMap((pending) => {
    if (pending.kind !== "remove") return [];
    const { target, approvers } = pending;
    return [
      {
        accountId: target,
        name: nameOf(state, target),
        approvals: approvers.length,
        needed: approvalsNeeded(context, roster, { kind: "remove", target }),
        approvedByMe: approvers.some((one) => equal(one, env.me.accountId)),
      },
    ];
  });
}

function callOf({ call, media, membership }: RoomState, env: Env): SightCall | null {
  const { sitting } = call;
  if (membership === null || (sitting === null && media.stage === "off")) return null;
  const accounts = new Map(
    [...membership.roster.values()].map(({ deviceId, accountId }) => [toHex(deviceId), accountId]),
  );
  const participants = (sitting?.participants ?? []).flatMap(({ device, state, since }) => {
    const hex = toHex(device);
    const accountId = accounts.get(hex);
    const said = equal(device, env.me.deviceId) ? call.mine : call.heard.get(hex);
    return accountId === undefined
      ? []
      : [{ accountId, deviceId: device, state, since, ...(said ?? SILENT) }];
  });
  return {
    sitting: sitting?.id ?? null,
    since: sitting?.since ?? null,
    participants,
    media: media.stage,
  };
}
