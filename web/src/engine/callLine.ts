import { compare, equal, toBase64Url, toHex } from "../bytes/bytes";
import { type Effect, roomView, type SightCall } from "../room/core";
import { namesOf, type Origin, originOf } from "../room/origin";
import type { KeysMessage } from "../sframe/lines";
import type { CallEnded, CallOffer, CallPerson, CallReport, CallState } from "../wire/generated";
import type { CallMessage } from "./callApi";
import type { Draft } from "./draft";
import { EngineError } from "./errors";
import type { ClientFrame } from "./socket";

/**
 * This device's part in one room's call: between the room's core, which has the keys and says when nothing may be sent,
 * the socket, on which the seat is taken and kept, and the tab that has camera and connection. One call at a time.
 */

/** Whom a record names at most. */
const MAX_PEOPLE = 32;
/** What the forwarding unit says of a device's connection, for so long (ms): it says it again every two seconds. */
const REPORT_LASTS_MS = 8_000;
/** How long a reaction is seen. */
const REACTION_MS = 6_000;
const ID_BYTES = 16;

/** The effects of the core that are about the media. */
export type MediaEffect = Extract<Effect, { kind: "media" | "media_hold" | "media_end" }>;
type Quality = CallReport["participants"][number];

type MediaOn = { readonly mic: boolean; readonly camera: boolean; readonly screen: boolean };

/** The tab that is in the call. */
export type Tab = { call(message: CallMessage): void };

type Here = {
  readonly hex: string;
  readonly roomId: Uint8Array;
  readonly session: Uint8Array;
  readonly tab: Tab;
  readonly keys: MessagePort;
  readonly since: number;
};

export class CallLine {
  #here: Here | null = null;
  /** The way to the server is gone; the seat is asked for again when it is back. */
  #away = false;
  #reports = new Map<string, { readonly quality: Quality; readonly until: number }>();
  #reactions = new Map<string, { readonly emoji: string; readonly until: number }>();
  /** Who was seen in this sitting, by account in hex, and which one it is. */
  #people = new Map<string, CallPerson>();
  #sitting: Uint8Array | null = null;
  /** What it belongs to, as soon as that is known: a ring ends when enough have come. */
  #origin: Origin | null = null;
  /** What is on, while the server has not told of this sitting yet. */
  #media: MediaOn | null = null;

  get room(): string | null {
    return this.#here?.hex ?? null;
  }

  get away(): boolean {
    return this.#away;
  }

  isOf(tab: Tab): boolean {
    return this.#here?.tab === tab;
  }

  /** Take a seat in the room's call; whoever finds nobody there begins it (E37). @throws CommandError @throws EngineError */
  enter(draft: Draft, hex: string, tab: Tab, keys: MessagePort): void {
    const room = draft.room(hex);
    if (room === null) throw new EngineError("not_found");
    // Another tab of this person takes over, or this one goes elsewhere.
    this.leave(draft, this.#here?.tab === tab ? "left" : "replaced");
    const sitting = callOf(draft, hex)?.sitting ?? null;
    draft.step(hex, { kind: "command", command: { kind: "media_on", rekey: sitting === null } });
    const session = draft.env.rng(ID_BYTES);
    this.#here = { hex, roomId: room.roomId, session, tab, keys, since: draft.env.serverNow };
    this.#away = false;
    this.#people = new Map();
    this.#sitting = null;
    this.#origin = null;
    this.#media = null;
    draft.frames.push({ t: "call_join", room: room.roomId, session, resume: false });
  }

  /** What is on of this device's media: said to the others now, or as soon as the server has told of the sitting. @throws EngineError */
  media(draft: Draft, on: MediaOn): void {
    if (this.#here === null) throw new EngineError("no_call");
    this.#media = on;
    this.#sayMedia(draft);
  }

  #sayMedia(draft: Draft): void {
    const here = this.#here;
    const call = here === null ? null : callOf(draft, here.hex);
    const { deviceId: mine } = draft.env.me;
    const listed = call?.participants.some(({ deviceId }) => equal(deviceId, mine)) ?? false;
    if (here === null || this.#media === null || !listed || call?.sitting == null || call.media === "off")
      return;
    const signal = { kind: "call_media", sitting: call.sitting, ...this.#media } as const;
    draft.step(here.hex, { kind: "command", command: { kind: "say_in_call", signal } });
    this.#media = null;
  }

  /** Who is there, as the room's members see it; for the record of whoever leaves last. After the room has taken it. */
  saw(draft: Draft, { room, call, since, participants }: CallState): void {
    const here = this.#here;
    if (here === null || call == null || since == null || !equal(here.roomId, room)) return;
    if (this.#sitting === null || !equal(this.#sitting, call)) {
      this.#people = new Map();
      this.#origin = null;
    }
    this.#sitting = call;
    const now = draft.env.serverNow;
    const there = callOf(draft, here.hex)?.participants ?? [];
    const fold = draft.room(here.hex)?.fold;
    if (this.#origin === null && fold !== undefined) {
      const accounts = there.map(({ accountId }) => accountId);
      this.#origin = originOf(fold.rings, fold.meetings, accounts, since);
    }
    for (const { accountId, deviceId } of there) {
      const seat = participants.find(({ device }) => equal(device, deviceId));
      const known = this.#people.get(toHex(accountId));
      if (seat === undefined || (known === undefined && this.#people.size >= MAX_PEOPLE)) continue;
      const began = Math.min(known?.began ?? seat.since, seat.since, now);
      this.#people.set(toHex(accountId), { account: accountId, began, ended: now });
    }
    this.#sayMedia(draft);
  }

  /** Give the seat up. The last one supersedes the keys that were used (E37), and says who was there. */
  leave(draft: Draft, code: "left" | "replaced" = "left"): void {
    const here = this.#here;
    if (here === null) return;
    const call = callOf(draft, here.hex);
    const others =
      call?.participants.some(({ deviceId }) => !equal(deviceId, draft.env.me.deviceId)) ?? false;
    this.#attended(draft, here, call, !others);
    draft.frames.push({ t: "call_leave", room: here.roomId, session: here.session });
    this.#end(draft, !others, code);
  }

  /** That this person was there and, by the last one, who else was: said by their own device (E37). */
  #attended(draft: Draft, here: Here, call: SightCall | null, last: boolean): void {
    const sitting = this.#sitting;
    if (sitting === null || call === null || (call.media !== "on" && call.media !== "held")) return;
    const { serverNow, me } = draft.env;
    const mine = this.#people.get(toHex(me.accountId));
    const span = { began: Math.min(mine?.began ?? here.since, serverNow), ended: serverNow };
    const of = { sitting, ...namesOf(this.#origin) };
    draft.volunteer(here.hex, { type: "attended", body: { ...of, ...span } });
    // Where there was nobody else there is nothing to say of others.
    if (!last || this.#people.size < 2) return;
    this.#people.set(toHex(me.accountId), { account: me.accountId, ...span });
    const people = [...this.#people.values()].sort((a, b) => compare(a.account, b.account));
    const began = Math.min(...people.map((one) => one.began));
    draft.volunteer(here.hex, { type: "call_record", body: { ...of, began, ended: serverNow, people } });
  }

  #end(draft: Draft, last: boolean, code: string): void {
    const here = this.#here;
    if (here === null) return;
    this.#here = null;
    this.#reports = new Map();
    this.#reactions = new Map();
    here.tab.call({ kind: "ended", code });
    here.keys.postMessage({ kind: "end" } satisfies KeysMessage);
    here.keys.close();
    // What the room says of the end is done above; the next call of this device may begin in the same draft.
    const before = draft.media.length;
    draft.step(here.hex, { kind: "command", command: { kind: "media_off", rekey: last } });
    draft.media.length = before;
  }

  /** The tab has its own way to the unit again, or an answer to its offer. @throws EngineError when it is in no call */
  say(draft: Draft, frame: (seat: { room: Uint8Array; session: Uint8Array }) => ClientFrame): void {
    const here = this.#here;
    if (here === null) throw new EngineError("no_call");
    draft.frames.push(frame({ room: here.roomId, session: here.session }));
  }

  /** A socket that said hello: the seat of before is taken again, with the media as it is. */
  resume(draft: Draft): void {
    const here = this.#here;
    if (here === null) return;
    this.#away = false;
    draft.frames.push({ t: "call_join", room: here.roomId, session: here.session, resume: true });
  }

  offline(): void {
    this.#away = this.#here !== null;
  }

  offer({ room, session, seq, fresh, sdp, streams }: CallOffer): void {
    const here = this.#at(room, session);
    if (here === null) return;
    const sections = streams.map(({ mid, device, kind }) => ({ mid, device: toBase64Url(device), kind }));
    here.tab.call({ kind: "offer", session: toBase64Url(session), seq, fresh, sdp, streams: sections });
  }

  ended(draft: Draft, { room, session, code }: CallEnded): void {
    if (this.#at(room, session) !== null) this.#end(draft, false, code);
  }

  report({ room, participants }: CallReport, now: number): void {
    if (this.#here === null || !equal(this.#here.roomId, room)) return;
    const until = now + REPORT_LASTS_MS;
    for (const quality of participants) this.#reports.set(toHex(quality.device), { quality, until });
  }

  reacted(device: Uint8Array, emoji: string, now: number): void {
    if (this.#here !== null) this.#reactions.set(toHex(device), { emoji, until: now + REACTION_MS });
  }

  reactionOf(device: Uint8Array, now: number): string | null {
    const known = this.#reactions.get(toHex(device));
    return known !== undefined && known.until > now ? known.emoji : null;
  }

  qualityOf(device: Uint8Array, now: number): Quality | null {
    const known = this.#reports.get(toHex(device));
    return known !== undefined && known.until > now ? known.quality : null;
  }

  #at(room: Uint8Array, session: Uint8Array): Here | null {
    const here = this.#here;
    return here !== null && equal(here.roomId, room) && equal(here.session, session) ? here : null;
  }

  /** Stored: what the core said about the media goes to the worker. Base keys are the caller's to wipe. */
  release(hex: string, effect: MediaEffect): void {
    const here = this.#here;
    if (here === null || here.hex !== hex) return;
    switch (effect.kind) {
      case "media": {
        const { epoch, baseKey, ownLeaf } = effect;
        const leaves = new Map(
          [...effect.leaves].map(([leaf, { deviceId }]) => [leaf, toBase64Url(deviceId)]),
        );
        here.keys.postMessage({ kind: "epoch", epoch, baseKey, ownLeaf, leaves } satisfies KeysMessage);
        break;
      }
      case "media_hold": {
        const gone = effect.gone === null ? null : toBase64Url(effect.gone.deviceId);
        here.keys.postMessage({ kind: "hold", gone } satisfies KeysMessage);
        break;
      }
      case "media_end":
        // The room let go of it: a removal, a leave, a rejoin. The seat goes with it.
        this.#here = null;
        here.keys.postMessage({ kind: "end" } satisfies KeysMessage);
        here.keys.close();
        here.tab.call({ kind: "ended", code: "removed" });
        break;
    }
  }

  /** The vault is closing: nothing is left of a call. Gives what is still to be said to the server. */
  lock(): readonly ClientFrame[] {
    const here = this.#here;
    if (here === null) return [];
    this.#here = null;
    here.keys.postMessage({ kind: "end" } satisfies KeysMessage);
    here.keys.close();
    here.tab.call({ kind: "ended", code: "locked" });
    return [{ t: "call_leave", room: here.roomId, session: here.session }];
  }
}

function callOf(draft: Draft, hex: string): SightCall | null {
  const state = draft.room(hex);
  return state === null ? null : roomView(state, draft.env, 0).call;
}
