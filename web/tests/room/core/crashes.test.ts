/** A program that ends between any two of its steps: what was stored goes on, what was acknowledged stays, nothing comes twice. */

import { describe, expect, it } from "vitest";
import { expectConverged, expectMedia, expectStored } from "./invariants";
import { type CrashPoint, type Device, ROOM, roomOf, World } from "./world";

const SOAK = process.env.COLLEGIUM_SOAK === "1";
const POINTS: readonly CrashPoint[] = ["before_write", "after_write", "amid_effects"];
/** So many inputs does each device of the story below have at the least. */
const INPUTS = 24;

/** Everything that an honest room does in a few seconds, with one device that crashes once. */
function story(seed: string, whose: number, point: CrashPoint, inputs: number): Device {
  const world = new World(seed);
  const [anna, ben] = roomOf(world, "anna", "ben");
  const cleo = world.device("cleo");
  const crasher = [anna!, ben!, cleo][whose]!;
  crasher.crashAt = { point, inputs };
  const said: string[] = [];
  const say = (who: Device, text: string): void => {
    if (who.state?.stage !== "member") return;
    const crashes = who.crashes;
    who.post(text);
    // A crash before it was stored: the person sees that it is not there.
    if (who.crashes === crashes || who.texts().includes(text)) said.push(text);
  };
  const call = (who: Device, rekey: boolean): void => {
    if (who.state?.stage === "member" && who.state.media.stage === "off") who.call(rekey);
  };
  say(anna!, "one");
  call(anna!, true);
  say(ben!, "two");
  world.run(100);
  call(ben!, false);
  const fragment = anna!.invite();
  say(ben!, "three");
  world.run(1_000);
  cleo.accept(fragment);
  world.run(400);
  call(crasher, false);
  say(anna!, "four");
  ben!.command({ kind: "rename", title: "Renamed" });
  say(ben!, "five");
  world.run(15_000);
  say(cleo, "six");
  call(cleo, false);
  ben!.hangUp(false);
  say(anna!, "seven");
  world.run(1_000);
  for (const one of world.devices) expectMedia(one);
  cleo.hangUp(false);
  anna!.hangUp(true);
  world.run(90_000);
  expect(world.devices.flatMap((one) => one.told())).toEqual([]);
  expect([...anna!.texts()].sort()).toEqual([...said].sort());
  expect(anna!.texts()).toEqual(ben!.texts());
  expectConverged(world);
  for (const one of world.devices) if (one.state !== null) expectStored(one);
  return crasher;
}

describe("a crash", () => {
  const every = SOAK ? 1 : 9;
  for (const point of POINTS) {
    for (const whose of [0, 1, 2]) {
      const name = ["the founder's device", "a member's device", "a newcomer's device"][whose]!;
      it(`${point} of ${name}`, () => {
        let crashes = 0;
        for (let inputs = (whose * 3 + POINTS.indexOf(point)) % every; inputs < INPUTS; inputs += every) {
          crashes += story(`crash ${point} ${whose} ${inputs}`, whose, point, inputs).crashes;
        }
        expect(crashes).toBeGreaterThan(0);
      });
    }
  }

  it("E22 after a request was stored: it is posted with the next connection", () => {
    const world = new World("never posted");
    const [, ben] = roomOf(world, "anna", "ben");
    const laptop = world.device("ben", "laptop");
    laptop.crashAt = { point: "after_write", inputs: 0 };
    laptop.recover(ben!.pin());
    expect([laptop.crashes, laptop.state!.stage]).toEqual([1, "rejoining"]);
    expect(world.ds.room(ROOM).requests).toEqual([]);
    world.run(20_000);
    expect(laptop.state!.stage).toBe("member");
    expectConverged(world);
  });
});
