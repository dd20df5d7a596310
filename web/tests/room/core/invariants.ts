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
  expectSameOrder(members);
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
  const { link, dues, requests, cursors, presence, wake, ...kept } = device.state!;
  const loaded = device.stored();
  const inFlight = { ...kept };
  for (const name of Object.keys(inFlight) as (keyof typeof inFlight)[]) {
    if (name === "membership" || name === "staged" || name === "outbox" || name === "leaving") continue;
    expect(loaded[name], name).toEqual(inFlight[name]);
  }
}
