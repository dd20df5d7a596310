import { describe, expect, it, vi } from "vitest";
import type { CallView, Participant } from "../../../src/engine/callApi";
import { hands, inOrder, news, type OwnPart, ownNews, stateOf } from "../../../src/ui/call/news";
import { keepPreferences, readPreferences } from "../../../src/ui/call/preferences";
import { gathered, protocolOf } from "../../../src/ui/call/way";

const person = (name: string, more: Partial<Participant> = {}): Participant => ({
  accountId: `account-${name}`,
  deviceId: `device-${name}`,
  name,
  mine: false,
  here: false,
  state: "here",
  since: 0,
  hand: null,
  reaction: null,
  mic: true,
  camera: true,
  screen: false,
  quality: "good",
  verified: false,
  ...more,
});
const call = (...participants: Participant[]): CallView => ({
  roomId: "room",
  title: "Thursday circle",
  sitting: "s",
  since: 0,
  participants,
  part: "in",
  thisTab: true,
});
const me = person("Me", { here: true, mine: true });
const ada = person("Ada");

describe("what is said of a call", () => {
  it("N1 who comes, who goes, who raises a hand, who shares a screen", () => {
    expect(news(call(me), call(me, ada))).toEqual(["Ada came into the call."]);
    expect(news(call(me, ada), call(me))).toEqual(["Ada left the call."]);
    expect(news(call(me, ada), call(me, { ...ada, hand: 5 }))).toEqual(["Ada raised a hand."]);
    expect(news(call(me, { ...ada, hand: 5 }), call(me, ada))).toEqual(["Ada lowered the hand."]);
    expect(news(call(me, ada), call(me, { ...ada, screen: true }))).toEqual(["Ada shares a screen."]);
    expect(news(call(me, { ...ada, screen: true }), call(me, ada))).toEqual(["Ada stopped sharing."]);
  });

  it("N2 nothing of those who were there before, of oneself, or of another call", () => {
    expect(news(null, call(me, ada))).toEqual([]);
    expect(news(call(ada), call(me, ada))).toEqual([]);
    expect(news({ ...call(me), roomId: "other" }, call(me, ada))).toEqual([]);
  });

  const own = (more: Partial<OwnPart> = {}): OwnPart => ({
    connected: true,
    trouble: null,
    microphone: true,
    camera: true,
    hand: false,
    others: [],
    ...more,
  });
  const away = stateOf("reconnecting", { path: "on", sending: true }, false)!.text;

  it("N4 whoever comes in is told that they are in, and who is there", () => {
    const coming = own({ connected: false });
    expect(ownNews(null, coming)).toEqual([]);
    expect(ownNews(coming, own({ others: ["Ada", "Ben"] }))).toEqual([
      "You are in the call.",
      "In the call now: Ada and Ben",
    ]);
    expect(ownNews(null, own())[1]).toContain("You are the only one here.");
  });

  it("N5 what a person turns on or off of their own", () => {
    expect(ownNews(own(), own())).toEqual([]);
    expect(ownNews(own(), own({ microphone: false }))).toEqual(["Your microphone is off."]);
    expect(ownNews(own({ camera: false }), own())).toEqual(["Your camera is on."]);
    expect(ownNews(own(), own({ hand: true }))).toEqual(["Your hand is raised."]);
    expect(ownNews(own({ hand: true }), own())).toEqual(["Your hand is lowered."]);
  });

  it("N6 that it is connected anew is said once, and that it is back", () => {
    expect(ownNews(own(), own({ trouble: away }))).toEqual([away]);
    expect(ownNews(own({ trouble: away }), own({ trouble: away, microphone: false }))).toEqual([]);
    expect(ownNews(own({ trouble: away }), own())).toEqual(["The connection is back."]);
  });

  it("N3 hands stand in the order in which they went up, people in the order in which they came, oneself last", () => {
    const ben = person("Ben", { hand: 9, since: 2 });
    const cleo = person("Cleo", { hand: 3, since: 7 });
    expect(hands([ada, ben, cleo]).map(({ name }) => name)).toEqual(["Cleo", "Ben"]);
    expect(inOrder([me, cleo, ben]).map(({ name }) => name)).toEqual(["Ben", "Cleo", "Me"]);
  });
});

describe("what is remembered on this device", () => {
  const store = (text: string | null) => ({ text, getItem: () => text, setItem: () => undefined });

  it("N4 is read back, and whatever else stands there is as usual", () => {
    let kept = "";
    const usual = readPreferences(store(null));
    const chosen = { ...usual, cameraOn: false, microphone: "m1", blur: true };
    const setItem = (_: string, text: string): void => {
      kept = text;
    };
    keepPreferences({ getItem: () => null, setItem }, chosen);
    expect(readPreferences(store(kept))).toEqual(chosen);
    const odd = [
      "",
      "{",
      "null",
      "7",
      "[]",
      '{"cameraOn":"no","speaker":7}',
      `{"camera":"${"x".repeat(300)}"}`,
    ];
    for (const text of [...odd, `"${"x".repeat(3000)}"`]) expect(readPreferences(store(text))).toEqual(usual);
  });
});

describe("the way to the server", () => {
  it("N5 is fast by UDP and slow by anything else", () => {
    const relay = { candidate: "", type: "relay" } as const;
    expect(protocolOf({ ...relay, relayProtocol: "udp" }, null)).toBe("udp");
    expect(protocolOf({ ...relay, relayProtocol: "tls" }, null)).toBe("tcp");
    expect(protocolOf(relay, "turn:turn.example:3478?transport=tcp")).toBe("tcp");
    expect(protocolOf(relay, "turns:turn.example:5349")).toBe("tcp");
    expect(protocolOf(relay, "turn:turn.example:3478?transport=udp")).toBe("udp");
    expect(protocolOf({ candidate: "", type: "host" }, null)).toBeNull();
  });

  /** What is found when these come, each so many milliseconds after the one before, and when that is known. */
  async function looked(...coming: readonly (readonly [number, "udp" | "tcp" | null])[]) {
    vi.useFakeTimers();
    try {
      const peer = new EventTarget();
      const began = Date.now();
      const found = gathered(peer as unknown as RTCPeerConnection).then((way) => [way, Date.now() - began]);
      for (const [after, relayProtocol] of coming) {
        await vi.advanceTimersByTimeAsync(after);
        const candidate = relayProtocol && { candidate: "", type: "relay", relayProtocol };
        peer.dispatchEvent(Object.assign(new Event("icecandidate"), { candidate }));
      }
      await vi.advanceTimersByTimeAsync(60_000);
      return await found;
    } finally {
      vi.useRealTimers();
    }
  }

  it("is known as soon as UDP works, and soon after TCP does", async () => {
    expect(await looked([50, "udp"])).toEqual(["fast", 50]);
    expect(await looked([80, "tcp"])).toEqual(["slow", 2_080]);
    expect(await looked([80, "tcp"], [500, "tcp"])).toEqual(["slow", 2_080]);
    expect(await looked([80, "tcp"], [500, "udp"])).toEqual(["fast", 580]);
    expect(await looked([80, "tcp"], [500, null])).toEqual(["slow", 580]);
  });

  it("is none when nothing comes, or nothing more", async () => {
    expect(await looked()).toEqual(["none", 8_000]);
    expect(await looked([300, null])).toEqual(["none", 300]);
  });
});
