/** What must hold whenever the world has come to rest. */

import { expect } from "vitest";
import { equal, toHex } from "../../../src/bytes/bytes";
import { epoch, epochAuthenticator } from "../../../src/mls/group";
import { firstHead, nextHead } from "../../../src/room/logHead";
import { encodeRoomContext } from "../../../src/room/roomContext";
import { devicesOf } from "../../../src/room/roster";
import { encodeSnapshot } from "../../../src/room/snapshot";
import { type Device, ROOM, type World } from "./world";

/** H_n as whoever holds the whole log computes it. */
export function trueHead(world: World): Uint8Array {
  let head = firstHead(ROOM);
  for (const { n, time, hash } of world.ds.room(ROOM).log) head = nextHead(head, n, time, hash);
  return head;
}

const membersOf = (world: World): Device[] =>
  world.devices.filter(({ state, link }) => state?.stage === "member" && link !== null);

/** All who are connected are level, agree on everything, and have nothing on the way. */
export function expectConverged(world: World): void {
  const room = world.ds.room(ROOM);
  const members = membersOf(world);
  const first = members[0]!;
  const head = toHex(trueHead(world));
  for (const device of members) {
    const state = device.state!;
    const who = `${device.person} at ${state.log.n}`;
    expect(state.log.n, who).toBe(room.last);
    expect(state.log.after, who).toBe(room.after);
    expect(toHex(state.log.head!), who).toBe(head);
    expect(epoch(device.group), who).toBe(epoch(first.group));
    expect(toHex(epochAuthenticator(device.group)), who).toBe(toHex(epochAuthenticator(first.group)));
    expect(toHex(encodeRoomContext(state.membership!.context)), who).toBe(
      toHex(encodeRoomContext(first.state!.membership!.context)),
    );
    expect(state.outbox, who).toEqual([]);
    expect(state.staged, who).toBe(null);
    expect(state.intents, who).toEqual([]);
    expect(state.newcomer, who).toBe(null);
    expect(state.leaves, who).toEqual([]);
    // E37: the keys of a call that is over are superseded.
    expect(state.chores.called, who).toBe(room.call !== null);
    expect(devicesOf(state.membership!.roster).map(toHex).sort(), who).toEqual([...room.routing.next].sort());
    if (state.whole && first.state!.whole) {
      const snapshot = (one: Device): string =>
        toHex(encodeSnapshot({ position: room.last, head: one.state!.log.head!, fold: one.state!.fold }));
      expect(snapshot(device), who).toBe(snapshot(first));
    }
    const asked = room.rejoins.get(toHex(device.me.deviceId));
    const open = room.requests.some((one) => asked !== undefined && equal(one.request_id, asked));
    expect(open, `${who} is asked for still`).toBe(false);
  }
  for (const device of world.devices) expectMedia(device);
  expectSameOrder(members);
}

/** Whoever encrypts does so in the present epoch, and may (E14, E19); and no base key was ever stored (E37). */
export function expectMedia(device: Device): void {
  const { state, keys, sending, world, rows } = device;
  const media = state?.media ?? { stage: "off" };
  expect(sending, device.person).toBe(media.stage === "on");
  expect(keys !== null, device.person).toBe(media.stage === "on" || media.stage === "held");
  if (sending) {
    expect(keys!.epoch, device.person).toBe(epoch(device.group));
    expect([...keys!.leaves.keys()], device.person).toEqual([...state!.membership!.roster.keys()]);
    expect([state!.stage, state!.pause, state!.leaves, state!.leaving]).toEqual(["member", null, [], null]);
  }
  for (const [name, row] of rows) {
    for (const key of world.baseKeys.values()) {
      expect(
        Buffer.from(row).includes(Buffer.from(key)),
        `${device.person} has stored a base key in ${name}`,
      ).toBe(false);
    }
  }
}

/** Whoever has read two posts has them in the same order, and none twice. */
export function expectSameOrder(devices: readonly Device[]): void {
  const order = new Map<string, number>();
  for (const device of devices) {
    let last = 0;
    const seen = new Set<string>();
    for (const item of device.view(100_000).items) {
      if (item.kind !== "post" || item.n === 0) continue;
      const id = toHex(item.id);
      expect(seen.has(id), `${device.person} has a post twice`).toBe(false);
      seen.add(id);
      expect(item.n, `${device.person} has posts out of order`).toBeGreaterThan(last);
      last = item.n;
      expect(order.get(id) ?? item.n, `${device.person} has a post elsewhere`).toBe(item.n);
      order.set(id, item.n);
    }
  }
}

/** Whether the rows of a device give the state that it has. */
export function expectStored(device: Device): void {
  const { link, dues, requests, cursors, presence, media, call, wake, ...kept } = device.state!;
  const loaded = device.stored();
  const inFlight = { ...kept };
  for (const name of Object.keys(inFlight) as (keyof typeof inFlight)[]) {
    if (name === "membership" || name === "staged" || name === "outbox" || name === "leaving") continue;
    expect(loaded[name], name).toEqual(inFlight[name]);
  }
}
