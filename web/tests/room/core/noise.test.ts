/** Whatever well-formed frames a server sends: a step answers, never throws, and what it leads to can be stored and loaded. */

import { describe, expect, it } from "vitest";
import { type Frame, loadRoom, type RoomState, roomRows, step } from "../../../src/room/core";
import { decodeOne, encode } from "../../../src/wire/cbor";
import { type Device, ROOM, roomOf, World } from "./world";

const SOAK = process.env.COLLEGIUM_SOAK === "1";
const ROUNDS = SOAK ? 400 : 25;
const FRAMES = 30;

/** Frames as they really came, to be bent. */
function overheard(): { readonly ben: Device; readonly states: RoomState[]; readonly frames: Frame[] } {
  const world = new World("noise");
  const [anna, ben] = roomOf(world, "anna", "ben");
  const frames: Frame[] = [];
  const states: RoomState[] = [];
  ben!.tamper = (frame) => {
    if (frame.t !== "ready" && frame.t !== "bye") frames.push(frame);
    if (ben!.state !== null) states.push(ben!.state);
    return frame;
  };
  anna!.call(true);
  anna!.post("one");
  ben!.post("two");
  world.run(1_000);
  ben!.call(false);
  anna!.command({ kind: "rename", title: "Renamed" });
  anna!.command({ kind: "typing" });
  const fragment = ben!.invite();
  world.run(2_000);
  const cleo = world.device("cleo");
  cleo.accept(fragment);
  world.run(20_000);
  cleo.call(false);
  world.run(1_000);
  const { id: sitting } = world.ds.room(ROOM).call!;
  cleo.command({ kind: "say_in_call", signal: { kind: "hand", sitting, on: true, since: world.now } });
  cleo.command({ kind: "say_in_call", signal: { kind: "call_reaction", sitting, emoji: "👏" } });
  world.run(1_000);
  cleo.command({ kind: "leave" });
  world.run(5_000);
  anna!.hangUp(false);
  ben!.reconnect();
  world.run(2_000);
  return { ben: ben!, states, frames };
}

function bend(world: World, state: RoomState, frame: Frame): Frame {
  const bytes = (of: Uint8Array): Uint8Array => {
    const out = of.slice();
    const dice = world.draw(4);
    if (dice === 0) return world.rng(world.draw(200));
    if (dice === 1) return out.slice(0, world.draw(out.length + 1));
    if (out.length > 0) out[world.draw(out.length)]! ^= 1 << world.draw(8);
    return out;
  };
  const n = (of: number): number => {
    const around = [of, state.log.n + 1, state.log.n, state.log.n + 2, 0, 2 ** 53 - 1];
    return around[world.draw(around.length)]!;
  };
  switch (frame.t) {
    case "entry": {
      const payload = world.draw(3) === 0 ? frame.payload : bytes(frame.payload);
      const kind = (["message", "commit", "leave"] as const)[world.draw(3)]!;
      return { ...frame, n: n(frame.n), kind: world.draw(2) === 0 ? frame.kind : kind, payload };
    }
    case "gap":
      return { ...frame, entries: frame.entries.map((one) => ({ ...one, n: n(one.n) })) };
    case "ack":
      return { ...frame, n: n(frame.n) };
    case "stale":
      return { ...frame, after: n(frame.after) };
    case "welcome":
      return { ...frame, n: n(frame.n), payload: bytes(frame.payload) };
    case "request":
      return { ...frame, kind: world.draw(2) === 0 ? "join" : "rejoin", sealed: bytes(frame.sealed) };
    case "caught_up":
      return { ...frame, last: n(frame.last) };
    case "removed":
      return { t: "stale", room: ROOM, id: world.rng(16), after: n(0) };
    case "call_state": {
      const call = [frame.call, null, world.rng(16)][world.draw(3)];
      const participants = frame.participants.filter(() => world.draw(2) === 0);
      return { ...frame, ...(call === undefined ? {} : { call }), participants };
    }
    case "ephemeral":
      return { ...frame, payload: bytes(frame.payload) };
    default:
      return frame;
  }
}

describe("a server that sends anything", () => {
  it("brings no step to fail", () => {
    const { ben, states, frames } = overheard();
    const { world } = ben;
    const extra: Frame[] = [
      { t: "gap", room: ROOM, entries: [{ n: 9, time: world.now, hash: world.rng(48) }] },
      { t: "stale", room: ROOM, id: world.rng(16), after: 3 },
      { t: "refused", room: ROOM, id: world.rng(16), code: "storage", message: "" },
      { t: "welcome", room: ROOM, n: 50, time: world.now, payload: world.rng(300) },
    ];
    const all = [...frames, ...extra];
    for (let round = 0; round < ROUNDS; round++) {
      let state = states[world.draw(states.length)]!;
      for (let i = 0; i < FRAMES; i++) {
        const frame = bend(world, state, all[world.draw(all.length)]!);
        const before = state;
        try {
          state = step(state, { kind: "frame", frame }, ben.env()).state;
          if (world.draw(5) === 0)
            state = step(
              state,
              { kind: "tick" },
              { ...ben.env(), now: world.now + 10 ** world.draw(9) },
            ).state;
        } catch (error) {
          throw new Error(`round ${round}: ${frame.t} at ${before.log.n}`, { cause: error });
        }
      }
      const { put } = roomRows(null, state);
      const rows = Object.entries(put).map(([name, value]) => [name, decodeOne(encode(value), 1 << 26)]);
      expect(loadRoom(Object.fromEntries(rows)).log).toEqual(state.log);
    }
  });
});
