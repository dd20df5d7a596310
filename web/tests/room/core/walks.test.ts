/** Seeded walks: people come, write, quarrel over commits, lose connections and power, and go. In the end all agree. */

import { describe, expect, it } from "vitest";
import { toHex } from "../../../src/bytes/bytes";
import { expectConverged, expectMedia, expectStored, trueHead } from "./invariants";
import { type CrashPoint, type Device, ROOM, roomOf, World } from "./world";

const SOAK = process.env.COLLEGIUM_SOAK === "1";
const WALKS = SOAK ? 60 : 4;
const STEPS = SOAK ? 120 : 50;
const NAMES = ["dora", "emil", "fanny"];
const POINTS: readonly CrashPoint[] = ["before_write", "after_write", "amid_effects"];

class Walk {
  readonly world: World;
  readonly founder: Device;
  readonly said = new Map<string, Device>();
  #count = 0;
  #names = [...NAMES];
  #laptops = 2;
  /** The accounts on the pin list by which a device came. */
  readonly #pinned = new Map<Device, ReadonlySet<string>>();
  #copy: { readonly device: Device; readonly rows: Map<string, Uint8Array> } | null = null;

  /** `copies`: now and then a device is restored from an old copy of its disk (E39). */
  constructor(
    seed: string,
    readonly copies: boolean,
  ) {
    this.world = new World(seed);
    this.founder = roomOf(this.world, "anna", "ben", "cleo")[0]!;
    this.world.latency = 400;
  }

  members(): Device[] {
    return this.world.devices.filter(({ state }) => state?.stage === "member");
  }

  pick<T>(of: readonly T[]): T {
    return of[this.world.draw(of.length)]!;
  }

  /** Refusals are answers, not failures: the room may have changed under the person's hands. */
  attempt(run: () => void): void {
    try {
      run();
    } catch (error) {
      if ((error as Error).name !== "CommandError") throw error;
    }
  }

  act(): void {
    const { world } = this;
    const who = this.pick(this.members());
    const dice = world.draw(100);
    if (dice < 37) this.say(who);
    else if (dice < 45) this.attempt(() => this.call(who));
    else if (dice < 55) this.attempt(() => this.react(who));
    else if (dice < 62) this.attempt(() => who.command({ kind: "rename", title: `Title ${this.#count++}` }));
    else if (dice < 67) this.invite(who);
    else if (dice < 70 && who !== this.founder && this.members().length > 3) {
      this.attempt(() => who.command({ kind: "leave" }));
    } else if (dice < 72 && this.members().length > 3) {
      this.attempt(() => this.remove());
    } else if (dice < 82) who.disconnect();
    else if (dice < 90) for (const one of world.devices) one.connect();
    else if (dice < 97) who.crashAt = { point: this.pick(POINTS), inputs: world.draw(10) };
    else if (dice < 98) world.ds.refusing = 1 + world.draw(3);
    else if (dice < 99) world.ds.collect(ROOM);
    else this.recover(who);
    if (this.copies && world.draw(12) === 0) this.restore();
    world.run(world.draw(900));
    for (const one of this.members()) expectMedia(one);
  }

  say(who: Device): void {
    const text = `${who.person} ${this.#count++}`;
    const { crashes } = who;
    this.attempt(() => {
      who.post(text);
      if (who.crashes === crashes || who.texts().includes(text)) this.said.set(text, who);
    });
  }

  react(who: Device): void {
    const posts = who.view().items.filter((item) => item.kind === "post");
    if (posts.length === 0) return;
    const { id } = this.pick(posts);
    who.command({ kind: "react", target: id, emoji: "👍", on: this.world.draw(3) > 0 });
  }

  invite(who: Device): void {
    const name = this.#names.pop();
    if (name === undefined) return;
    this.attempt(() => {
      const fragment = who.invite();
      this.world.run(3_000);
      this.world.device(name).accept(fragment);
    });
  }

  /** Into the room's call, or out of it; the last to leave does not always do its part (E37). */
  call(who: Device): void {
    const { call } = this.world.ds.room(ROOM);
    if (who.state?.media.stage === "off") who.call(call === null);
    else who.hangUp(call?.participants.length === 1 && this.world.draw(3) > 0);
  }

  /** One more device of somebody who is here. */
  recover(who: Device): void {
    if (this.#laptops === 0 || who.person === "anna") return;
    const name = `laptop ${this.#laptops--}`;
    const device = this.world.device(who.person, name);
    const pin = who.pin();
    this.#pinned.set(device, new Set(pin.accounts.map(({ accountId }) => toHex(accountId))));
    device.recover(pin);
  }

  /** Copy a disk; some time later bring that copy back. What was on its way then may be lost with the disk. */
  restore(): void {
    if (this.#copy === null) {
      const device = this.pick(this.members());
      if (device !== this.founder) this.#copy = { device, rows: new Map(device.rows) };
      return;
    }
    const { device, rows } = this.#copy;
    this.#copy = null;
    if (device.state?.stage !== "member") return;
    const kept = new Set(
      device.view(100_000).items.flatMap((item) => (item.kind === "post" && item.n > 0 ? [item.text] : [])),
    );
    for (const [text, who] of this.said) if (who === device && !kept.has(text)) this.said.delete(text);
    device.rows = rows;
    device.crash();
  }

  remove(): void {
    const others = this.members().filter((one) => one !== this.founder);
    this.founder.command({ kind: "remove_member", accountId: this.pick(others).me.accountId });
  }

  /** Everybody comes back, and all that was begun is finished. */
  rest(): void {
    const { world } = this;
    world.ds.refusing = 0;
    world.latency = 20;
    for (const one of world.devices) {
      one.crashAt = null;
      one.connect();
    }
    world.run(60_000);
    for (const one of world.devices) if (one.state !== null) expectMedia(one);
    for (const one of this.members()) one.hangUp(false);
    world.run(180_000);
  }

  /** Whether a recovered device may not know whoever adds it, and then waits for an hour (E22): somebody came since. */
  mayRefuse(device: Device): boolean {
    const pinned = this.#pinned.get(device);
    return pinned !== undefined && this.world.devices.some(({ me }) => !pinned.has(toHex(me.accountId)));
  }

  check(): void {
    const { world, founder } = this;
    const told = world.devices.flatMap((one) =>
      one
        .told()
        .filter((code) => code !== "welcome" || !this.mayRefuse(one))
        .map((code) => `${one.person}: ${code}`),
    );
    const expected = (one: string): boolean => this.copies && one.includes("copy");
    expect(told.filter((one) => !expected(one))).toEqual([]);
    expectConverged(world);
    const all = founder.view(100_000).items.flatMap((item) => (item.kind === "post" ? [item] : []));
    // Whoever still belongs here has lost nothing that it said.
    for (const [text, who] of this.said) {
      if (who.state?.stage !== "member") continue;
      expect(all.filter((item) => item.text === text).length, text).toBe(1);
    }
    for (const device of this.members()) {
      expectStored(device);
      // Between an old copy and its coming back a device has not read what others said.
      if (device.told().some((one) => one.startsWith("copy"))) continue;
      const theirs = device.view(100_000).items.flatMap((item) => (item.kind === "post" ? [item] : []));
      const since = world.ds.room(device.state!.roomId).members.get(toHex(device.me.deviceId))!.since;
      const simple = (items: typeof all): unknown =>
        items
          .filter(({ n }) => n > since)
          .map(({ n, text, reactions }) => [
            n,
            text,
            reactions.map(({ emoji, who }) => [emoji, [...who].sort()]),
          ]);
      expect(simple(theirs), device.person).toEqual(simple(all));
    }
    expect(toHex(founder.state!.log.head!)).toBe(toHex(trueHead(world)));
  }
}

describe("walks", () => {
  for (let seed = 0; seed < WALKS; seed++) {
    it(`walk ${seed}`, () => {
      const walk = new Walk(`walk ${seed}`, seed % 3 === 2);
      for (let i = 0; i < STEPS; i++) walk.act();
      walk.rest();
      walk.check();
    });
  }
});
