/**
 * The delivery service as PROTOCOL.md §3 and §4 have it, in memory: positions, stale, retries, routing, Welcomes, requests,
 * cursors and deletion. What it sends goes to a `Wire` for each device, in order; how and when that arrives is the
 * network's affair.
 */

import { sha384 } from "@noble/hashes/sha2.js";
import { equal, toHex } from "../../../src/bytes/bytes";
import { decodeMlsMessage } from "../../../src/mls/mlsMessage";
import type { Frame } from "../../../src/room/core";
import { listHash } from "../../../src/room/logHead";
import type {
  CallParticipant,
  CallState,
  Cursor,
  Entry,
  Ephemeral,
  Fetch,
  Request,
  Send,
  Welcome,
  RoomState as WireRoom,
} from "../../../src/wire/generated";

export type FromServer =
  | Frame
  | { readonly t: "ready"; readonly rooms: readonly WireRoom[] }
  | { readonly t: "bye" };
export type Wire = (frame: FromServer) => void;

type Stored = { entry: Entry | null; n: number; time: number; hash: Uint8Array };
type Member = { device: Uint8Array; account: string; since: number; until: number | null; cursor: number };
type Routing = {
  next: ReadonlySet<string>;
  by: string;
  old: ReadonlySet<string> | null;
  oldHash: Uint8Array;
  votes: ReadonlyMap<string, boolean>;
  left: ReadonlySet<string>;
  n: number;
};

export type ServedRoom = {
  readonly id: Uint8Array;
  log: Stored[];
  last: number;
  after: number;
  time: number;
  routing: Routing;
  ids: Map<string, number>;
  members: Map<string, Member>;
  welcomes: Map<string, Welcome>;
  requests: Request[];
  /** The open rejoin request of each device. */
  rejoins: Map<string, Uint8Array>;
  /** What was asked and answered: the same again opens nothing. */
  answered: Set<string>;
  call: { readonly id: Uint8Array; readonly since: number; participants: CallParticipant[] } | null;
};

const hashOf = (devices: ReadonlySet<string>, all: ReadonlyMap<string, Uint8Array>): Uint8Array =>
  listHash([...devices].map((device) => all.get(device)!));

function decided({ old, next, votes }: Routing): ReadonlySet<string> | null {
  if (old === null) return next;
  if (votes.size === 0) return null;
  const forNext = [...votes.values()].filter(Boolean).length;
  return forNext >= votes.size - forNext ? next : old;
}

function served(routing: Routing): ReadonlySet<string> {
  const both = decided(routing) ?? new Set([...routing.next, ...(routing.old ?? [])]);
  return new Set([...both].filter((device) => !routing.left.has(device)));
}

export class DeliveryService {
  readonly rooms = new Map<string, ServedRoom>();
  /** Every device that signed in once: id by hex, and its account. */
  readonly #devices = new Map<string, Uint8Array>();
  readonly #accounts = new Map<string, string>();
  readonly #wires = new Map<string, Wire>();
  readonly #now: () => number;
  #requests = 0;
  #calls = 0;
  /** Set by tests: the next sends are told that nothing was stored. */
  refusing = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  register(device: Uint8Array, account: Uint8Array): void {
    this.#devices.set(toHex(device), device);
    this.#accounts.set(toHex(device), toHex(account));
  }

  room(id: Uint8Array): ServedRoom {
    const room = this.rooms.get(toHex(id));
    if (room === undefined) throw new Error("no such room");
    return room;
  }

  createRoom(id: Uint8Array, device: Uint8Array): void {
    const name = toHex(device);
    const account = this.#accounts.get(name)!;
    this.rooms.set(toHex(id), {
      id,
      log: [],
      last: 0,
      after: 0,
      time: 0,
      routing: {
        next: new Set([name]),
        by: "",
        old: null,
        oldHash: new Uint8Array(),
        votes: new Map(),
        left: new Set(),
        n: 0,
      },
      ids: new Map(),
      members: new Map([[name, { device, account, since: 0, until: null, cursor: 0 }]]),
      welcomes: new Map(),
      requests: [],
      rejoins: new Map(),
      answered: new Set(),
      call: null,
    });
  }

  // The room's call: who is in it, and no media

  callJoin(roomId: Uint8Array, device: Uint8Array): void {
    const room = this.room(roomId);
    if (!served(room.routing).has(toHex(device))) return;
    const since = this.#now();
    room.call ??= { id: sha384(Uint8Array.of(this.#calls++)).slice(0, 16), since, participants: [] };
    if (room.call.participants.some((one) => equal(one.device, device))) return;
    const seat = { device, session: device, since, state: "here" } as const;
    room.call = { ...room.call, participants: [...room.call.participants, seat] };
    this.#tell(room, callState(room));
  }

  callLeave(roomId: Uint8Array, device: Uint8Array): void {
    const room = this.rooms.get(toHex(roomId));
    if (!room?.call?.participants.some((one) => equal(one.device, device))) return;
    const participants = room.call.participants.filter((one) => !equal(one.device, device));
    room.call = participants.length === 0 ? null : { ...room.call, participants };
    this.#tell(room, callState(room));
  }

  // Connections

  hello(device: Uint8Array, wire: Wire, cursors: readonly { room: Uint8Array; n: number }[]): void {
    const name = toHex(device);
    this.#wires.set(name, wire);
    const listed: WireRoom[] = [];
    for (const room of this.rooms.values()) {
      const member = room.members.get(name);
      if (member === undefined || member.until !== null) continue;
      const others = [...room.members.values()].filter((one) => one.until === null && one !== member);
      listed.push({
        room: room.id,
        last: room.last,
        after: room.after,
        list: [...served(room.routing)].map((one) => this.#devices.get(one)!),
        cursors: others.map(({ device: other, cursor }) => ({ device: other, n: cursor })),
      });
    }
    wire({ t: "ready", rooms: listed });
    for (const room of this.rooms.values()) this.#catchUp(room, name, wire, cursors);
  }

  #catchUp(
    room: ServedRoom,
    name: string,
    wire: Wire,
    cursors: readonly { room: Uint8Array; n: number }[],
  ): void {
    const theirs = cursors.find((one) => equal(one.room, room.id))?.n;
    const member = room.members.get(name);
    if (member === undefined || (member.until !== null && theirs === undefined)) {
      if (theirs !== undefined) wire({ t: "refused", room: room.id, code: "not_found", message: "" });
      return;
    }
    const upto = member.until ?? room.last;
    const start = theirs === undefined ? member.since : Math.min(Math.max(theirs, member.since), upto);
    if (theirs !== undefined && theirs > member.cursor) this.#move(room, member, theirs);
    this.#replay(room, wire, start, upto);
    if (member.until !== null) {
      wire({ t: "removed", room: room.id, n: member.until });
      return;
    }
    const welcome = room.welcomes.get(name);
    if (welcome !== undefined) wire(welcome);
    for (const request of room.requests) wire(request);
    wire({ t: "caught_up", room: room.id, last: room.last });
    if (room.call !== null) wire(callState(room));
  }

  #replay(room: ServedRoom, wire: Wire, above: number, upto: number): void {
    for (const { entry, n, time, hash } of room.log.slice(above, upto)) {
      if (entry !== null) wire(entry);
      else wire({ t: "gap", room: room.id, entries: [{ n, time, hash }] });
    }
  }

  gone(device: Uint8Array, wire: Wire): void {
    if (this.#wires.get(toHex(device)) === wire) this.#wires.delete(toHex(device));
  }

  #tell(room: ServedRoom, frame: FromServer, but: string | null = null): void {
    for (const name of served(room.routing)) if (name !== but) this.#wires.get(name)?.(frame);
  }

  // Frames of a device

  receive(device: Uint8Array, frame: Send | Fetch | Ephemeral | Cursor): void {
    const room = this.rooms.get(toHex(frame.room));
    const name = toHex(device);
    if (room === undefined) return;
    switch (frame.t) {
      case "send":
        this.#send(room, name, frame);
        return;
      case "cursor": {
        const member = room.members.get(name);
        if (member !== undefined && frame.n <= room.last) this.#move(room, member, frame.n);
        this.#tell(room, { t: "cursors", room: room.id, cursors: [{ device, n: frame.n }] });
        return;
      }
      case "ephemeral":
        if (served(room.routing).has(name)) this.#tell(room, frame, name);
        return;
      case "fetch": {
        const member = room.members.get(name);
        const wire = this.#wires.get(name);
        if (member === undefined || wire === undefined) return;
        const above = Math.max(frame.from - 1, member.since);
        this.#replay(room, wire, above, Math.min(member.until ?? room.last, above + frame.limit));
        return;
      }
    }
  }

  #move(room: ServedRoom, member: Member, n: number): void {
    member.cursor = Math.max(member.cursor, n);
    const welcome = room.welcomes.get(toHex(member.device));
    if (welcome !== undefined && welcome.n <= n) room.welcomes.delete(toHex(member.device));
  }

  #send(room: ServedRoom, name: string, send: Send): void {
    const answer = this.#wires.get(name) ?? (() => {});
    const refused = (code: string): void =>
      answer({ t: "refused", room: room.id, id: send.id, code, message: "" });
    const fault = served(room.routing).has(name) ? faultOfForm(send) : "not_found";
    if (fault !== null) {
      refused(fault);
      return;
    }
    const known = room.ids.get(toHex(send.id));
    if (known !== undefined) {
      const { n, time } = room.log[known - 1]!;
      answer({ t: "ack", room: room.id, id: send.id, n, time });
      return;
    }
    if (send.after !== room.after) {
      answer({ t: "stale", room: room.id, id: send.id, after: room.after });
      return;
    }
    if (this.refusing > 0) {
      this.refusing--;
      refused("storage");
      return;
    }
    this.#accept(room, name, send, answer);
  }

  #accept(room: ServedRoom, name: string, send: Send, answer: Wire): void {
    const before = served(room.routing);
    const oldNext = room.routing.next;
    const n = ++room.last;
    room.time = Math.max(room.time, this.#now());
    const entry: Entry = {
      t: "entry",
      room: room.id,
      n,
      time: room.time,
      kind: send.kind,
      id: send.id,
      ...(send.kind === "message" ? {} : { device: this.#devices.get(name)! }),
      payload: send.payload,
    };
    room.log.push({ entry, n, time: room.time, hash: sha384(send.payload) });
    room.ids.set(toHex(send.id), n);
    this.#route(room, name, send, n, before);
    if (send.kind !== "message") room.after = n;
    answer({ t: "ack", room: room.id, id: send.id, n, time: room.time });
    for (const one of before) this.#wires.get(one)?.(entry);
    const now = served(room.routing);
    for (const one of before) {
      if (now.has(one)) continue;
      const until = send.kind === "leave" ? n : room.routing.n;
      room.members.get(one)!.until = until;
      this.#wires.get(one)?.({ t: "removed", room: room.id, n: until });
      this.callLeave(room.id, this.#devices.get(one)!);
    }
    this.#newcomers(room, send, n, before, now);
    if (send.kind === "commit") {
      const frame = (list: ReadonlySet<string>): Uint8Array[] =>
        [...list].map((one) => this.#devices.get(one)!);
      this.#tell(room, { t: "routing", room: room.id, old: frame(oldNext), new: frame(room.routing.next) });
    }
  }

  #newcomers(
    room: ServedRoom,
    send: Send,
    n: number,
    before: ReadonlySet<string>,
    now: ReadonlySet<string>,
  ): void {
    for (const one of now) {
      if (before.has(one)) continue;
      if (send.kind !== "commit") {
        room.members.get(one)!.until = null;
        this.#wires.get(one)?.({ t: "bye" });
        continue;
      }
      const device = this.#devices.get(one)!;
      const account = this.#accounts.get(one)!;
      room.members.set(one, { device, account, since: n, until: null, cursor: n - 1 });
    }
    for (const { device, payload } of send.welcomes ?? []) {
      const welcome: Welcome = { t: "welcome", room: room.id, n, time: room.time, payload };
      room.welcomes.set(toHex(device), welcome);
      const member = room.members.get(toHex(device));
      if (member !== undefined && member.cursor >= n) member.cursor = n - 1;
      this.#wires.get(toHex(device))?.(welcome);
    }
    for (const id of send.answered ?? []) {
      const open = room.requests.find((one) => equal(one.request_id, id));
      if (open !== undefined) room.answered.add(toHex(open.sealed));
      this.withdrawRequest(room.id, id);
    }
  }

  #route(room: ServedRoom, name: string, send: Send, n: number, before: ReadonlySet<string>): void {
    const { routing } = room;
    const account = this.#accounts.get(name)!;
    if (send.kind === "commit") {
      const next = new Set((send.devices ?? []).map(toHex));
      const waits = [...before].some((one) => this.#accounts.get(one) !== account);
      const same = before.size === next.size && [...before].every((one) => next.has(one));
      const held = decided(routing) ?? routing.next;
      room.routing = {
        next,
        by: account,
        old: waits && !same ? before : null,
        oldHash: hashOf(held, this.#devices),
        votes: new Map(),
        left: new Set(),
        n,
      };
      return;
    }
    let heard = routing;
    if (routing.old !== null && account !== routing.by && routing.old.has(name)) {
      const forNext = equal(send.list, hashOf(routing.next, this.#devices));
      if (forNext || equal(send.list, routing.oldHash)) {
        heard = { ...routing, votes: new Map(routing.votes).set(account, forNext) };
      }
    }
    room.routing = send.kind === "leave" ? { ...heard, left: new Set([...room.routing.left, name]) } : heard;
  }

  // Requests, over HTTP

  request(device: Uint8Array, room: Uint8Array, kind: "join" | "rejoin", sealed: Uint8Array): void {
    const held = this.room(room);
    if (held.answered.has(toHex(sealed))) return;
    if (held.requests.some((one) => equal(one.sealed, sealed))) return;
    const id = sha384(sealed).slice(0, 16);
    id[0] = this.#requests++ % 256;
    const request: Request = { t: "request", room, request_id: id, time: this.#now(), kind, sealed };
    if (kind === "rejoin") {
      const older = held.rejoins.get(toHex(device));
      if (older !== undefined) this.withdrawRequest(room, older);
      held.rejoins.set(toHex(device), id);
    }
    held.requests.push(request);
    this.#tell(held, request, toHex(device));
  }

  withdrawRequest(room: Uint8Array, id: Uint8Array): void {
    const held = this.room(room);
    if (!held.requests.some((one) => equal(one.request_id, id))) return;
    held.requests = held.requests.filter((one) => !equal(one.request_id, id));
    this.#tell(held, { t: "request_gone", room, request_id: id });
  }

  /** What every device has, or everything up to a position, is deleted; hashes stay (E23). */
  collect(roomId: Uint8Array, upto: number | null = null): void {
    const room = this.room(roomId);
    const cursors = [...room.members.values()]
      .filter(({ until }) => until === null)
      .map(({ cursor }) => cursor);
    const end = upto ?? Math.min(...cursors);
    room.log = room.log.map((one) => (one.n <= end ? { ...one, entry: null } : one));
  }
}

function callState({ id: room, call }: ServedRoom): CallState {
  if (call === null) return { t: "call_state", room, participants: [] };
  return { t: "call_state", room, call: call.id, since: call.since, participants: call.participants };
}

/** The clear header fits the frame (PROTOCOL.md §4.5). */
function faultOfForm(send: Send): string | null {
  const message = decodeMlsMessage(send.payload);
  if (message.type !== "private_message") return "envelope";
  const { groupId, contentType, authenticatedData } = message.message;
  if (!equal(groupId, send.room)) return "envelope_room";
  const types = { message: 1, leave: 2, commit: 3 };
  if (types[send.kind] !== contentType) return "envelope_kind";
  return equal(authenticatedData.subarray(0, 16), send.id) ? null : "envelope_id";
}
