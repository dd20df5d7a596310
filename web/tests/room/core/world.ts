/**
 * People, their devices, a delivery service and a network between them, all driven by one seeded clock. A device stores
 * before it acts, can lose its connection or crash at any point, and is loaded again from its rows. Whatever the core
 * gives to be wiped is wiped, so that a secret which is still in use would show.
 */

import { equal, type Rng, toHex, wipe } from "../../../src/bytes/bytes";
import { revokeDevice } from "../../../src/identity/certificate";
import type { Group } from "../../../src/mls/group";
import {
  askToJoin,
  CORE_ROW,
  type Command,
  type Effect,
  type Env,
  foundRoom,
  type Input,
  type JoinExpectation,
  joinRoom,
  loadRoom,
  type Me,
  type Pin,
  type RoomSight,
  type RoomState,
  rejoinRoom,
  roomCursor,
  roomPin,
  roomRows,
  roomView,
  rowNames,
  type Stepped,
  step,
} from "../../../src/room/core";
import { type Fragment, newInvite } from "../../../src/room/invites";
import { decodeOne, encode } from "../../../src/wire/cbor";
import type { Cursor, Ephemeral, Fetch, Send, Welcome } from "../../../src/wire/generated";
import { DEPLOYMENT, id, NOW, seeded, someone } from "../../identity/people";
import { DeliveryService, type FromServer, type Wire } from "./deliveryService";

export const ROOM = id("room");
export const HOUR = 3_600_000;
const MAX_ROW_BYTES = 64 * 1024 * 1024;
/** More is a machine that runs wild. */
const MAX_EVENTS = 200_000;

type Scheduled = { readonly at: number; readonly order: number; readonly run: () => void };

/** Where a crash may strike. */
export type CrashPoint = "before_write" | "after_write" | "amid_effects";

export class World {
  now = NOW + 24 * HOUR;
  readonly rng: Rng;
  readonly ds: DeliveryService;
  readonly devices: Device[] = [];
  /** Every base key that a device was given, by epoch. */
  readonly baseKeys = new Map<bigint, Uint8Array>();
  /** The longest that a frame travels. Every connection keeps its order. */
  latency = 20;
  #queue: Scheduled[] = [];
  #order = 0;

  constructor(seed: string) {
    this.rng = seeded(`world ${seed}`);
    this.ds = new DeliveryService(() => this.now);
  }

  /** A whole number from 0 up to, but without, `below`. */
  draw(below: number): number {
    const bytes = this.rng(4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) % below;
  }

  at(time: number, run: () => void): void {
    const item = { at: Math.max(time, this.now), order: this.#order++, run };
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#queue[middle]!;
      if (other.at < item.at || (other.at === item.at && other.order < item.order)) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, item);
  }

  /** Let things happen for so long. */
  run(ms: number): void {
    const until = this.now + ms;
    let count = 0;
    while (this.#queue.length > 0 && this.#queue[0]!.at <= until) {
      const next = this.#queue.shift()!;
      this.now = Math.max(this.now, next.at);
      next.run();
      if (++count > MAX_EVENTS) throw new Error("the world does not come to rest");
    }
    this.now = until;
  }

  /** Everyone is offline for so long, then connects again. */
  sleep(ms: number): void {
    const awake = this.devices.filter(({ link }) => link !== null);
    for (const device of awake) device.disconnect();
    this.#queue = [];
    this.now += ms;
    for (const device of awake) device.connect();
    this.run(30_000);
  }

  device(person: string, name = "phone"): Device {
    const device = new Device(this, person, name);
    this.devices.push(device);
    return device;
  }
}

/** Two queues between a device and the server, each in order; what is under way when it breaks is lost. */
class Link {
  open = true;
  #upAt = 0;
  #downAt = 0;
  readonly wire: Wire;

  constructor(
    readonly world: World,
    readonly device: Device,
  ) {
    this.wire = (frame) => {
      this.#downAt = Math.max(this.#downAt, world.now + world.draw(world.latency));
      world.at(this.#downAt, () => {
        if (this.open) device.receive(this, frame);
      });
    };
  }

  up(run: () => void): void {
    this.#upAt = Math.max(this.#upAt, this.world.now + this.world.draw(this.world.latency));
    this.world.at(this.#upAt, () => {
      if (this.open) run();
    });
  }

  close(): void {
    this.open = false;
    this.world.ds.gone(this.device.me.deviceId, this.wire);
  }
}

export type Keys = Omit<Extract<Effect, { kind: "media" }>, "kind">;

export class Device {
  readonly me: Me;
  readonly rng: Rng;
  /** What is on this device's disk, as bytes. */
  rows = new Map<string, Uint8Array>();
  state: RoomState | null = null;
  expectation: JoinExpectation | null = null;
  link: Link | null = null;
  readonly alarms: Extract<Effect, { kind: "alarm" }>[] = [];
  readonly effects: Effect[] = [];
  readonly errors: string[] = [];
  /** How far this device's clock is from the others. */
  clockOff = 0;
  /** Strikes once, after so many more inputs. */
  crashAt: { readonly point: CrashPoint; readonly inputs: number } | null = null;
  /** Sees, and may change or swallow, what this device sends. */
  meddle: ((frame: Send) => Send | null) | null = null;
  /** The same for what the server sends to this device: a server that lies. */
  tamper: ((frame: FromServer) => FromServer | null) | null = null;
  crashes = 0;
  /** What this device's media worker was given last, and whether it may encrypt by it; null: out of the call. */
  keys: Keys | null = null;
  sending = false;
  /** Leaves that the worker no longer hears. */
  readonly gone: number[] = [];
  #wakeOrder = 0;

  constructor(
    readonly world: World,
    readonly person: string,
    name: string,
  ) {
    const { identity } = someone(person);
    this.me = {
      accountId: identity.accountId,
      deviceId: id(`device ${person} ${name}`),
      deploymentId: DEPLOYMENT,
      identity,
      name: person,
    };
    this.rng = seeded(`device ${person} ${name} ${toHex(world.rng(8))}`);
    world.ds.register(this.me.deviceId, this.me.accountId);
  }

  env(): Env {
    const now = this.world.now + this.clockOff;
    return { now, serverNow: this.world.now, rng: this.rng, me: this.me };
  }

  get group(): Group {
    return this.state!.membership!.group;
  }

  /** The codes of the alarms so far, each with the name of whom it blames. */
  told(): string[] {
    const people = new Map(this.world.devices.map(({ me }) => [toHex(me.accountId), me.name]));
    return this.alarms.map(({ code, who }) => (who === null ? code : `${code} ${people.get(toHex(who))}`));
  }

  // Connection

  connect(): void {
    if (this.link !== null) return;
    const link = new Link(this.world, this);
    this.link = link;
    link.up(() => {
      const cursors = this.state === null ? [] : [{ room: ROOM, n: roomCursor(this.state) }];
      this.world.ds.hello(this.me.deviceId, link.wire, cursors);
    });
  }

  disconnect(): void {
    if (this.link === null) return;
    this.link.close();
    this.link = null;
    this.input({ kind: "offline" });
  }

  reconnect(): void {
    this.disconnect();
    this.connect();
  }

  /** The program ends at once and is started again: only what is stored remains. */
  crash(): void {
    this.link?.close();
    this.link = null;
    this.#noMedia();
    this.world.ds.callLeave(ROOM, this.me.deviceId);
    this.state = this.rows.has(CORE_ROW) ? this.stored() : null;
    this.world.at(this.world.now + 50, () => this.connect());
  }

  stored(): RoomState {
    const read = (name: string): unknown => decodeOne(this.rows.get(name)!, MAX_ROW_BYTES);
    const core = read(CORE_ROW);
    const names = [CORE_ROW, ...rowNames(core)];
    return loadRoom(Object.fromEntries(names.map((name) => [name, read(name)])));
  }

  receive(link: Link, sent: FromServer): void {
    if (link !== this.link) return;
    const frame = this.tamper === null ? sent : this.tamper(sent);
    if (frame === null) return;
    if (frame.t === "bye") {
      this.reconnect();
    } else if (frame.t === "ready") {
      const room = frame.rooms.find((one) => equal(one.room, ROOM)) ?? null;
      if (this.state !== null) this.input({ kind: "ready", room });
    } else if (frame.t === "welcome" && this.expectation !== null) {
      this.#welcomed(frame);
    } else if (this.state !== null) {
      this.input({ kind: "frame", frame });
    }
  }

  #welcomed(welcome: Welcome): void {
    const expectation = this.expectation!;
    try {
      this.settle(joinRoom(this.env(), expectation, welcome, this.state));
      // Its row goes in the same write that brings the room.
      if (this.state !== null) this.expectation = null;
    } catch (error) {
      this.errors.push((error as { code?: string }).code ?? String(error));
    }
  }

  // The core

  input(input: Input): void {
    if (this.state === null) return;
    this.settle(step(this.state, input, this.env()));
  }

  /** Store, then act, then wipe: as the engine does. */
  settle({ state, effects, wiped }: Stepped): void {
    if (this.#strikes("before_write")) {
      this.crash();
      return;
    }
    const { put, drop } = roomRows(this.state, state);
    for (const [name, value] of Object.entries(put)) this.rows.set(name, encode(value));
    for (const name of drop) this.rows.delete(name);
    this.state = state;
    this.effects.push(...effects);
    if (this.#strikes("after_write")) {
      this.crash();
      return;
    }
    for (const effect of effects) {
      this.#act(effect);
      if (this.#strikes("amid_effects")) {
        this.crash();
        return;
      }
    }
    wipe(...wiped);
  }

  #strikes(point: CrashPoint): boolean {
    if (this.crashAt === null || this.crashAt.point !== point) return false;
    if (this.crashAt.inputs > 0) {
      this.crashAt = { point, inputs: this.crashAt.inputs - 1 };
      return false;
    }
    this.crashAt = null;
    this.crashes++;
    return true;
  }

  #act(effect: Effect): void {
    switch (effect.kind) {
      case "send":
        for (const frame of effect.frames) this.send(frame);
        return;
      case "cursor":
        this.send({ t: "cursor", room: ROOM, n: effect.n });
        return;
      case "rejoin":
        this.#http(() => this.world.ds.request(this.me.deviceId, ROOM, "rejoin", effect.sealed));
        return;
      case "alarm":
        this.alarms.push(effect);
        return;
      case "wake": {
        const order = ++this.#wakeOrder;
        this.world.at(effect.at - this.clockOff, () => {
          if (order === this.#wakeOrder) this.input({ kind: "tick" });
        });
        return;
      }
      case "media":
        this.#given(effect);
        return;
      case "media_hold":
        this.sending = false;
        if (effect.gone !== null) this.gone.push(effect.gone.leaf);
        return;
      case "media_end":
        this.#noMedia();
        this.#http(() => this.world.ds.callLeave(ROOM, this.me.deviceId));
    }
  }

  /** All who are given the keys of an epoch are given the same ones. */
  #given({ kind: _, ...keys }: Extract<Effect, { kind: "media" }>): void {
    const known = this.world.baseKeys.get(keys.epoch);
    if (known !== undefined && !equal(known, keys.baseKey)) throw new Error("two base keys in one epoch");
    for (const [epoch, key] of this.world.baseKeys) {
      if (epoch !== keys.epoch && equal(key, keys.baseKey)) throw new Error("one base key in two epochs");
    }
    this.world.baseKeys.set(keys.epoch, keys.baseKey);
    this.keys = keys;
    this.sending = true;
  }

  #noMedia(): void {
    this.keys = null;
    this.sending = false;
  }

  send(frame: Send | Fetch | Ephemeral | Cursor): void {
    const { link } = this;
    const sent = frame.t === "send" && this.meddle !== null ? this.meddle(frame) : frame;
    if (link !== null && sent !== null) link.up(() => this.world.ds.receive(this.me.deviceId, sent));
  }

  #http(run: () => void): void {
    this.world.at(this.world.now + this.world.draw(this.world.latency), run);
  }

  // What a person does

  found(title = "Tuesday group"): void {
    this.world.ds.createRoom(ROOM, this.me.deviceId);
    this.settle(foundRoom(this.env(), { roomId: ROOM, title }));
    this.connect();
  }

  invite(): Fragment {
    const { fragment, open } = newInvite(this.rng, this.me.accountId, this.world.now);
    this.command({ kind: "invite", invite: open });
    return fragment;
  }

  accept(fragment: Fragment): void {
    const notAfter = this.world.now + 72 * HOUR;
    const { sealed, expectation } = askToJoin(this.env(), { roomId: ROOM, fragment, notAfter });
    this.expectation = expectation;
    this.connect();
    this.#http(() => this.world.ds.request(this.me.deviceId, ROOM, "join", sealed));
  }

  /** A new device of a recovered account. */
  recover(pin: Pin): void {
    this.settle(rejoinRoom(this.env(), pin));
    this.connect();
  }

  /** A statement of this person that another device of theirs is lost (E9). */
  revoke(other: Device): void {
    const { deviceId } = other.me;
    const { identity } = this.me;
    const serial = other.state!.membership!.me.certificateSerial;
    this.command({ kind: "revoke_device", deviceId, statement: revokeDevice(identity, deviceId, serial) });
  }

  pin(): Pin {
    return roomPin(this.state!)!;
  }

  command(command: Command): void {
    this.input({ kind: "command", command });
  }

  /** Into the room's call; `rekey`: to begin it. */
  call(rekey: boolean): void {
    this.command({ kind: "media_on", rekey });
    const join = (): void => {
      if (this.state !== null && this.state.media.stage !== "off")
        this.world.ds.callJoin(ROOM, this.me.deviceId);
    };
    // On the same socket: after the commit with which a call begins.
    if (this.link === null) this.#http(join);
    else this.link.up(join);
  }

  /** Out of it. */
  hangUp(rekey: boolean): void {
    this.command({ kind: "media_off", rekey });
  }

  post(text: string): void {
    this.command({ kind: "post", text, replyTo: null });
  }

  view(items = 1_000): RoomSight {
    return roomView(this.state!, this.env(), items);
  }

  texts(): string[] {
    return this.view().items.flatMap((item) => (item.kind === "post" ? [item.text] : []));
  }

  lines(): string[] {
    return this.view().items.flatMap((item) => (item.kind === "system" ? [item.code] : []));
  }

  postId(text: string): Uint8Array {
    const found = this.view().items.find((item) => item.kind === "post" && item.text === text);
    if (found === undefined) throw new Error(`nobody said ${text}`);
    return found.id;
  }
}

/** The first person founds a room; the others come by invites, one after the other. */
export function roomOf(world: World, ...people: string[]): Device[] {
  const [first, ...others] = people.map((person) => world.device(person));
  first!.found();
  world.run(1_000);
  for (const other of others) {
    const fragment = first!.invite();
    world.run(500);
    other.accept(fragment);
    world.run(15_000);
  }
  return [first!, ...others];
}
