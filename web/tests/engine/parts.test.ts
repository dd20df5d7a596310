import { describe, expect, test, vi } from "vitest";
import { toHex } from "../../src/bytes/bytes";
import { ERROR_CODES, IDLE_LOCK_MS, PASSPHRASE_MIN } from "../../src/engine/api";
import { Draft } from "../../src/engine/draft";
import { checkedName, checkedTitle, readLink } from "../../src/engine/enrol";
import { errorCode, failureCode } from "../../src/engine/errors";
import { FrameError, readFrame } from "../../src/engine/frames";
import { bytesField, http, mayPass, ServerError } from "../../src/engine/http";
import { active, checked } from "../../src/engine/idle";
import { openerOf, registrationOf, wayOf } from "../../src/engine/passkey";
import { PortSet } from "../../src/engine/ports";
import { Queue } from "../../src/engine/queue";
import { newRecords, withErrand } from "../../src/engine/records";
import { clockOff } from "../../src/engine/views";
import { rejoinRoom } from "../../src/room/core";
import { StorageConflict, StorageRefused } from "../../src/vault/storage";
import { WrongOpener } from "../../src/vault/wraps";
import { errors } from "../../src/words/enProblems";
import { ROOM, roomOf, World } from "../room/core/world";

const id = new Uint8Array(16);

describe("the queue", () => {
  test("nothing interleaves, and a failure stops nobody else", async () => {
    const queue = new Queue();
    const said: string[] = [];
    const task = (name: string, fails = false) =>
      queue.run(async () => {
        said.push(`${name} begins`);
        await new Promise((done) => setTimeout(done, 1));
        said.push(`${name} ends`);
        if (fails) throw new Error(name);
      });
    const all = await Promise.allSettled([task("a"), task("b", true), task("c")]);
    expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(said).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  });
});

describe("the idle clock", () => {
  test("locks after ten minutes by the clock, and not before", () => {
    const idle = active(1000);
    expect(checked(idle, 1000 + IDLE_LOCK_MS - 1).lock).toBe(false);
    expect(checked(idle, 1000 + IDLE_LOCK_MS).lock).toBe(true);
  });

  test("a clock that is set back does not keep it open for so long", () => {
    const { idle, lock } = checked(active(1_000_000_000), 5000);
    expect(lock).toBe(false);
    expect(checked(idle, 5000 + IDLE_LOCK_MS).lock).toBe(true);
  });

  test("a call is use, but a device that slept in one locks as soon as it wakes", () => {
    const { idle } = checked(active(1000), 1000 + IDLE_LOCK_MS - 1, true);
    expect(checked(idle, 1000 + IDLE_LOCK_MS + 1, true).lock).toBe(false);
    expect(checked(idle, 1000 + 2 * IDLE_LOCK_MS, true).lock).toBe(true);
  });
});

describe("frames of the server", () => {
  const good = {
    ready: {
      t: "ready",
      device: id,
      time: 1,
      rooms: [{ room: id, last: 0, after: 0, list: [id], cursors: [] }],
    },
    ack: { t: "ack", room: id, id, n: 1, time: 1 },
    stale: { t: "stale", room: id, id, after: 0 },
    refused: { t: "refused", code: "malformed", message: "no" },
    entry: {
      t: "entry",
      room: id,
      n: 1,
      time: 1,
      kind: "commit",
      id,
      device: id,
      payload: new Uint8Array(1),
    },
    gap: { t: "gap", room: id, entries: [{ n: 1, time: 1, hash: new Uint8Array(48) }] },
    caught_up: { t: "caught_up", room: id, last: 0 },
    welcome: { t: "welcome", room: id, n: 1, time: 1, payload: new Uint8Array(1) },
    request: { t: "request", room: id, request_id: id, time: 1, kind: "join", sealed: new Uint8Array(1) },
    request_gone: { t: "request_gone", room: id, request_id: id },
    cursors: { t: "cursors", room: id, cursors: [{ device: id, n: 0 }] },
    removed: { t: "removed", room: id, n: 1 },
    routing: { t: "routing", room: id, old: [], new: [id] },
    ephemeral: { t: "ephemeral", room: id, payload: new Uint8Array(1) },
    call_state: {
      t: "call_state",
      room: id,
      call: id,
      since: 1,
      participants: [{ device: id, session: id, since: 1, state: "here" }],
    },
    call_offer: {
      t: "call_offer",
      room: id,
      session: id,
      seq: 1,
      fresh: true,
      sdp: "v=0",
      streams: [{ mid: "4", device: id, kind: "camera" }],
    },
    call_ended: { t: "call_ended", room: id, session: id, code: "left" },
    call_report: {
      t: "call_report",
      room: id,
      participants: [
        {
          device: id,
          loss_up: 0,
          loss_down: 0.5,
          kbps_up: 1,
          kbps_down: 900.5,
          loudness: 127,
          layers: [{ mid: "4", layer: "l" }],
        },
      ],
    },
    woken: { t: "woken", room: id, ring: id, devices: [id] },
    pong: { t: "pong" },
    bye: { t: "bye", code: "restart" },
  };

  const optional = ["entry device", "call_state call", "call_state since"];

  test.each(Object.entries(good))(
    "%s is read; without a field, with another, or with a wrong one it is not",
    (_, frame) => {
      expect(readFrame(frame)).toBe(frame);
      expect(() => readFrame({ ...frame, more: 1 })).toThrow(FrameError);
      for (const name of Object.keys(frame)) {
        const { [name]: _gone, ...rest } = frame as Record<string, unknown>;
        if (optional.includes(`${frame.t} ${name}`)) expect(readFrame(rest)).toBe(rest);
        else expect(() => readFrame(rest)).toThrow(FrameError);
        for (const wrong of [null, -1, 1.5, "x".repeat(100_000), {}, new Uint8Array(3_000_000)]) {
          expect(() => readFrame({ ...frame, [name]: wrong })).toThrow(FrameError);
        }
      }
    },
  );

  test("whatever is no frame is refused as such", () => {
    for (const nothing of [
      null,
      undefined,
      1,
      "ack",
      [],
      {},
      { t: "hello" },
      { t: "constructor" },
      { t: 1 },
    ]) {
      expect(() => readFrame(nothing)).toThrow(FrameError);
    }
    const loss = [{ ...good.call_report.participants[0], loss_up: 1.1 }];
    expect(() => readFrame({ ...good.call_report, participants: loss })).toThrow(FrameError);
    const crowd = { ...good.routing, new: Array.from({ length: 257 }, () => id) };
    expect(() => readFrame(crowd)).toThrow(FrameError);
  });
});

describe("answers of the server", () => {
  const calling = (answer: () => Response | Promise<Response>) =>
    http({ origin: "http://x", fetch: async () => answer() }).call("GET", "/api/x");

  test("refusals keep their code; what is not our server's answer says so", async () => {
    expect(await calling(() => new Response('{"a":1}'))).toEqual({ a: 1 });
    const refused = { code: "too_many", message: "", retry_after: 3 };
    await expect(calling(() => Response.json(refused, { status: 429 }))).rejects.toMatchObject({
      code: "too_many",
      retryAfter: 3,
    });
    for (const [body, status, code] of [
      ["<html>", 200, "server_answer"],
      ["<html>", 502, "offline"],
      ["[]", 200, "server_answer"],
      ["null", 200, "server_answer"],
      [`"${"x".repeat(5_000_000)}"`, 200, "server_answer"],
      ["{}", 500, "server_answer"],
    ] as const) {
      await expect(calling(() => new Response(body, { status }))).rejects.toMatchObject({ code });
    }
    await expect(
      calling(() => {
        throw new TypeError("no network");
      }),
    ).rejects.toMatchObject({ code: "offline" });
  });

  test("what may pass by itself is asked again, and nothing else", () => {
    for (const [code, status, again] of [
      ["offline", 0, true],
      ["too_many", 429, true],
      ["storage", 503, true],
      ["internal", 500, true],
      ["not_found", 404, false],
      ["confirm", 403, false],
    ] as const) {
      expect(mayPass(new ServerError(code, status))).toBe(again);
    }
    expect(mayPass(new Error("ours"))).toBe(false);
  });

  test("bytes are of the length that is expected", () => {
    expect(bytesField({ a: "AAAA" }, "a", 3)).toEqual(new Uint8Array(3));
    for (const wrong of ["AAA", "AAAAAA", "AA=", 1, null]) {
      expect(() => bytesField({ a: wrong }, "a", 3)).toThrow(ServerError);
    }
  });
});

describe("codes", () => {
  test("every code has words", () => {
    for (const code of ERROR_CODES) expect(Object.keys(errors)).toContain(code);
  });

  test("of every layer's errors, and never anything that is not on the list", () => {
    expect(errorCode(new WrongOpener("prf"))).toBe("wrong_opener");
    expect(errorCode(new ServerError("sign_in", 403))).toBe("signed_out");
    expect(errorCode({ code: "outbox_full" })).toBe("room_not_ready");
    expect(errorCode({ code: "something_new" })).toBe("unexpected");
    expect(errorCode(new TypeError("x"))).toBe("unexpected");
    expect(errorCode(null)).toBe("unexpected");
    expect(failureCode(new StorageConflict("x"))).toBe("other_tab");
    expect(failureCode(new StorageRefused("storage_newer", null))).toBe("newer_vault");
    expect(failureCode(new StorageRefused("storage_denied", null))).toBe("storage_denied");
    expect(failureCode(new TypeError("x"))).toBe("unexpected");
  });
});

describe("what is typed", () => {
  test("names and titles are one line, trimmed", () => {
    expect(checkedName("  Anna \n Berg ")).toBe("Anna Berg");
    expect(checkedTitle("Thursday")).toBe("Thursday");
    for (const wrong of ["", " ", "x".repeat(81), "a\u202eb"]) {
      expect(() => checkedName(wrong)).toThrow("name_invalid");
      expect(() => checkedTitle(wrong)).toThrow("title_invalid");
    }
  });

  test("a link is the text behind #, or the whole address of this server", () => {
    const founder = `f.${"A".repeat(43)}`;
    const origin = "https://group.example";
    for (const text of [founder, ` ${founder}\n`, `#${founder}`, `${origin}/join#${founder}`]) {
      expect(readLink(text, origin)).toMatchObject({ kind: "founder" });
    }
    expect(() => readLink(`https://other.example/join#${founder}`, origin)).toThrow("link_other_server");
    for (const text of ["", "f.", founder.slice(0, -2), `${origin}/join`, "x".repeat(5000), "://"]) {
      expect(() => readLink(text, origin)).toThrow("link_incomplete");
    }
  });

  test("a passphrase is long enough when it is chosen; whatever was chosen is tried", () => {
    const short = { kind: "passphrase", passphrase: "x".repeat(PASSPHRASE_MIN - 1) } as const;
    expect(() => wayOf(short)).toThrow("passphrase_short");
    expect(openerOf(short)).toEqual(short);
  });

  test("E39: the PRF's output goes to the vault and never to the server", () => {
    const prf = new Uint8Array(32).fill(0xab);
    const registration = {
      id: "x",
      response: {},
      clientExtensionResults: { prf: { results: { first: "q6ur" } } },
    };
    const protection = { kind: "passkey", prf, credentialId: "x", registration } as const;
    expect(wayOf(protection)).toEqual({ kind: "prf", output: prf, credentialId: "x" });
    expect(registrationOf(protection)).toBe('{"id":"x","response":{}}');
    expect(registrationOf({ ...protection, registration: null })).toBeNull();
  });
});

describe("what is asked of the server until it was answered", () => {
  test("E22: a request to be added is posted no more once its answer is there", () => {
    const world = new World("one request");
    const [, ben] = roomOf(world, "anna", "ben");
    const laptop = world.device("ben", "laptop");
    const { identity, deviceId, deploymentId } = laptop.me;
    const signIn = identity.identityKey;
    const kept = { code: null, pending: null, link: null };
    const account = { deploymentId, identity, deviceId, signIn, name: "Ben", ...kept };
    const draft = new Draft({ records: newRecords(account), rooms: new Map() }, laptop.env());
    const asked = () => draft.records.errands.filter((one) => one.kind === "rejoin");
    const hex = draft.add(rejoinRoom(draft.env, ben!.pin()));
    const [first] = asked();
    // Every connection asks again: one that waits, or is on its way, is the same errand.
    draft.step(hex, { kind: "ready", room: null });
    expect(asked()).toHaveLength(1);
    expect(asked()[0]).toBe(first);
    // … and one that waits because the server said so is tried at once.
    draft.records = withErrand(draft.records, { ...first!, notBefore: draft.env.now + 1_000 });
    draft.step(hex, { kind: "ready", room: null });
    expect(asked()).toEqual([first]);
    world.ds.request(deviceId, ROOM, "rejoin", first!.sealed);
    world.run(20_000);
    const welcome = world.ds.room(ROOM).welcomes.get(toHex(deviceId))!;
    draft.step(hex, { kind: "frame", frame: welcome });
    expect(draft.room(hex)!.stage).toBe("member");
    expect(asked()).toEqual([]);
  });
});

describe("the clock", () => {
  test("E10: is said to be off from ten minutes on, either way", () => {
    expect(clockOff(9 * 60_000)).toBe(0);
    expect(clockOff(11 * 60_000)).toBe(11);
    expect(clockOff(-26 * 3_600_000)).toBe(1560);
  });
});

describe("the tabs", () => {
  test("many changes are one view; a view that says nothing new is not sent", () => {
    vi.useFakeTimers();
    let code = "a";
    const ports = new PortSet({
      app: () => ({ stage: "failed", code }),
      room: () => null,
      gone: () => undefined,
      call: async () => null,
    });
    const seen: unknown[] = [];
    const receive = ports.attach((message) => seen.push(message));
    receive({ call: "hello" });
    for (code of ["b", "c", "d"]) ports.changed();
    vi.runAllTimers();
    ports.changed();
    vi.runAllTimers();
    expect(seen).toEqual(["a", "d"].map((one) => ({ kind: "app", view: { stage: "failed", code: one } })));
    receive({ call: "goodbye" });
    code = "e";
    ports.changed();
    vi.runAllTimers();
    expect(seen).toHaveLength(2);
    vi.useRealTimers();
  });

  test("whoever gets an answer has been shown what it led to", async () => {
    let code = "before";
    const ports = new PortSet({
      app: () => ({ stage: "failed", code }),
      room: () => null,
      gone: () => undefined,
      call: async (_, { call }) => {
        if (call === "lock") throw new ServerError("offline", 0);
        code = "after";
        return 7;
      },
    });
    const seen: { kind: string }[] = [];
    const receive = ports.attach((message) => seen.push(message));
    receive({ call: "hello" });
    receive({ id: 1, call: "active", args: [] });
    receive({ id: 2, call: "lock", args: [] });
    await vi.waitFor(() => expect(seen).toHaveLength(4));
    expect(seen.slice(1)).toEqual(
      expect.arrayContaining([
        { kind: "app", view: { stage: "failed", code: "after" } },
        { kind: "result", id: 1, value: 7 },
        { kind: "error", id: 2, code: "offline" },
      ]),
    );
    expect(seen.findIndex(({ kind }) => kind === "result")).toBeGreaterThan(1);
  });
});
