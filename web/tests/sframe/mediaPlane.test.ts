/** What a call's worker lets out and in (E35, E36; THREATS 27 to 29). */

import { beforeEach, describe, expect, it } from "vitest";
import type { FromMedia, KeysMessage } from "../../src/sframe/lines";
import { MAX_TRANSFORMS, MediaPlane } from "../../src/sframe/mediaPlane";
import { seededRng } from "../mls/seededRng";

const LEAVES = new Map([
  [0, "ada"],
  [1, "ben"],
  [2, "cleo"],
]);
const KEY = (epoch: number): Uint8Array => new Uint8Array(32).fill(epoch);

function epochOf(epoch: number, ownLeaf: number, leaves: ReadonlyMap<number, string> = LEAVES): KeysMessage {
  return { kind: "epoch", epoch: BigInt(epoch), baseKey: KEY(epoch), ownLeaf, leaves };
}

class Device {
  readonly told: FromMedia[] = [];
  readonly plane: MediaPlane;

  constructor(readonly leaf: number) {
    this.plane = new MediaPlane(seededRng(`device ${leaf}`), (message) => this.told.push(message));
    this.plane.addSender("1/send/audio", "audio");
    this.plane.addSender("1/send/camera", "camera");
  }

  enter(epoch: number, now = 0, leaves = LEAVES): void {
    this.plane.take(epochOf(epoch, this.leaf, leaves), now);
  }

  refusals(): string[] {
    return this.told.flatMap((one) =>
      one.kind === "refused" ? [`${one.id} ${one.why} ${one.who ?? "-"}`] : [],
    );
  }
}

const opus = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(new TextEncoder().encode(text));
/** Three clear bytes, the first of which says that it is no key frame. */
const delta = (text: string): Uint8Array<ArrayBuffer> => opus(`\x01\x02\x03${text}`);

let ada: Device;
let ben: Device;

beforeEach(() => {
  ada = new Device(0);
  ben = new Device(1);
});

async function spoken(from: Device, text = "hello"): Promise<Uint8Array<ArrayBuffer>> {
  const sealed = await from.plane.seal("1/send/audio", opus(text));
  if (sealed === null) throw new Error("nothing left");
  return sealed;
}

describe("what leaves", () => {
  it("is nothing before there is a key", async () => {
    expect(await ada.plane.seal("1/send/audio", opus("hello"))).toBeNull();
    ada.enter(1);
    const sealed = await spoken(ada);
    expect(new TextDecoder().decode(sealed)).not.toContain("hello");
    expect(ada.told).toEqual([{ kind: "sending", on: true }]);
  });

  it("is nothing while somebody leaves, until the next epoch (E14)", async () => {
    ada.enter(1);
    ada.plane.take({ kind: "hold", gone: "cleo" }, 0);
    expect(await ada.plane.seal("1/send/audio", opus("hello"))).toBeNull();
    ada.enter(2);
    expect(await ada.plane.seal("1/send/audio", opus("hello"))).not.toBeNull();
    expect(ada.told.map((one) => one.kind === "sending" && one.on)).toEqual([true, false, true]);
  });

  it("goes on in the same epoch when a pause ends, under another key", async () => {
    ada.enter(1);
    const before = await spoken(ada);
    ada.plane.take({ kind: "hold", gone: null }, 0);
    ada.enter(1);
    const after = await spoken(ada);
    expect(after.subarray(0, 9)).not.toEqual(before.subarray(0, 9)); // the KID
  });

  it("is nothing after the call, nor of a sender that is gone or was never there", async () => {
    ada.enter(1);
    ada.plane.gone("1/send/camera");
    expect(await ada.plane.seal("1/send/camera", delta("hello"))).toBeNull();
    expect(await ada.plane.seal("9/send/audio", opus("hello"))).toBeNull();
    ada.plane.take({ kind: "end" }, 0);
    expect(await ada.plane.seal("1/send/audio", opus("hello"))).toBeNull();
    ada.enter(2);
    expect(await ada.plane.seal("1/send/audio", opus("hello"))).toBeNull();
  });

  it("is nothing that is no frame of its kind", async () => {
    ada.enter(1);
    expect(await ada.plane.seal("1/send/camera", new Uint8Array(0))).toBeNull();
  });

  it("wipes the base key when it is used no more", () => {
    const first = epochOf(1, 0) as Extract<KeysMessage, { kind: "epoch" }>;
    ada.plane.take(first, 0);
    ada.enter(2);
    expect(first.baseKey).toEqual(new Uint8Array(32));
  });

  it("never goes back to an epoch", () => {
    ada.enter(2);
    expect(() => ada.enter(1)).toThrow("epochs begin in their order");
  });
});

describe("what is shown", () => {
  beforeEach(() => {
    ada.enter(1);
    ben.enter(1);
    ben.plane.expect("1/4", "ada", "audio");
  });

  it("is what the expected device sealed, and is told once", async () => {
    for (const text of ["one", "two"]) {
      const shown = await ben.plane.open("1/4", await spoken(ada, text), 0);
      expect(new TextDecoder().decode(shown ?? undefined)).toBe(text);
    }
    expect(ben.told.slice(1)).toEqual([{ kind: "heard", id: "1/4", who: "ada" }]);
  });

  it("is nothing of a receiver that nobody is expected on", async () => {
    expect(await ben.plane.open("1/5", await spoken(ada), 0)).toBeNull();
    ben.plane.expect("1/4", null, "audio");
    expect(await ben.plane.open("1/4", await spoken(ada), 0)).toBeNull();
    expect(ben.refusals()).toEqual([]);
  });

  it("is never what came in the clear (THREATS 27)", async () => {
    for (const frame of [opus("plain"), new Uint8Array(1200).fill(0x42), new Uint8Array(0)]) {
      expect(await ben.plane.open("1/4", frame, 0)).toBeNull();
    }
    expect(ben.refusals()).toEqual(["1/4 unencrypted -"]);
  });

  it("is never somebody else's, whatever the server says (THREATS 29)", async () => {
    ben.plane.expect("1/4", "cleo", "audio");
    expect(await ben.plane.open("1/4", await spoken(ada), 0)).toBeNull();
    expect(ben.refusals()).toEqual(["1/4 swapped ada"]);
  });

  it("is never of another kind", async () => {
    ben.plane.expect("1/4", "ada", "screen_audio");
    expect(await ben.plane.open("1/4", await spoken(ada), 0)).toBeNull();
    expect(ben.refusals()).toEqual(["1/4 swapped -"]);
  });

  it("is never shown twice, and that is no news (THREATS 28)", async () => {
    const frame = await spoken(ada);
    expect(await ben.plane.open("1/4", frame.slice(), 0)).not.toBeNull();
    expect(await ben.plane.open("1/4", frame.slice(), 0)).toBeNull();
    expect(ben.refusals()).toEqual([]);
  });

  it("is never what was altered", async () => {
    const frame = await spoken(ada);
    frame[frame.length - 1]! ^= 1;
    expect(await ben.plane.open("1/4", frame, 0)).toBeNull();
    expect(ben.refusals()).toEqual(["1/4 forged -"]);
  });

  it("tells of frames without a key only when they go on for long", async () => {
    ada.enter(2);
    for (const now of [0, 4_999]) expect(await ben.plane.open("1/4", await spoken(ada), now)).toBeNull();
    expect(ben.refusals()).toEqual([]);
    expect(await ben.plane.open("1/4", await spoken(ada), 5_000)).toBeNull();
    expect(ben.refusals()).toEqual(["1/4 no_key -"]);
    ben.enter(2, 6_000);
    expect(await ben.plane.open("1/4", await spoken(ada), 6_000)).not.toBeNull();
    expect(ben.told.at(-1)).toEqual({ kind: "heard", id: "1/4", who: "ada" });
  });

  it("ends at once for whoever leaves, before their removal is merged (E14)", async () => {
    const late = await spoken(ada);
    ben.plane.take({ kind: "hold", gone: "ada" }, 0);
    expect(await ben.plane.open("1/4", late, 0)).toBeNull();
    ben.enter(1); // the same epoch again brings nobody back
    expect(await ben.plane.open("1/4", await spoken(ada), 0)).toBeNull();
  });

  it("ends ten seconds after an epoch, and at once for whoever was removed (E36)", async () => {
    const [kept, late] = [await spoken(ada), await spoken(ada)];
    const without = new Map([
      [0, "ada"],
      [1, "ben"],
    ]);
    const cleo = new Device(2);
    cleo.enter(1);
    const removed = await spoken(cleo);
    ben.plane.expect("1/5", "cleo", "audio");
    ben.enter(2, 1_000, without);
    expect(await ben.plane.open("1/4", kept, 10_999)).not.toBeNull();
    expect(await ben.plane.open("1/4", late, 11_000)).toBeNull();
    expect(await ben.plane.open("1/5", removed, 1_000)).toBeNull();
  });

  it("is what a section shows now, when it was another's a moment ago", async () => {
    const cleo = new Device(2);
    cleo.enter(1);
    const opening = ben.plane.open("1/4", await spoken(ada), 0);
    ben.plane.expect("1/4", "cleo", "audio");
    expect(await opening).toBeNull();
    expect(await ben.plane.open("1/4", await spoken(cleo), 0)).not.toBeNull();
  });
});

it("holds no more transforms than a call has", () => {
  for (let i = 2; i < MAX_TRANSFORMS; i++) ada.plane.expect(`1/${i}`, "ben", "audio");
  expect(() => ada.plane.expect("1/x", "ben", "audio")).toThrow("more transforms than a call has");
  expect(() => ada.plane.addSender("1/x", "audio")).toThrow("more transforms than a call has");
  ada.plane.expect("1/2", null, "audio");
  ada.plane.expect("1/x", "ben", "audio");
});
