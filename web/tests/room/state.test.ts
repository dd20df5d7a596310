import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compare, concat, equal, fromHex, toHex } from "../../src/bytes/bytes";
import { MAX_PAGES } from "../../src/room/bodies";
import { MAX_ALSO, MAX_ANSWERS as MAX_RING_ANSWERS, MAX_RINGS } from "../../src/room/calls";
import { decodeCanonical, encodeCanonical } from "../../src/room/canonical";
import { EPHEMERAL_LENGTH, newSender, openSignal, SIGNAL_AGE, sealSignal } from "../../src/room/ephemeral";
import { RoomDataError } from "../../src/room/errors";
import { encodeBody } from "../../src/room/events";
import { FOLD_VERSION, type Fold, firstFold, foldCommit, foldEvent } from "../../src/room/fold";
import { MAX_ANSWERS, MAX_EXCEPTIONS, MAX_MEETINGS } from "../../src/room/meetings";
import { planAdmit, planChange, planRejoin } from "../../src/room/plans";
import { LAST_LOCAL, naiveLocal } from "../../src/room/recurrence";
import {
  decodeRoomContext,
  encodeRoomContext,
  newCommons,
  type RoomContext,
  readRoomExtensions,
  roomExtensions,
} from "../../src/room/roomContext";
import {
  assembled,
  checkOf,
  decodeSnapshot,
  encodeSnapshot,
  type Pages,
  type Snapshot,
  snapshotHash,
  snapshotPages,
  takePage,
} from "../../src/room/snapshot";
import { id, NOW, seeded, spoilt } from "../identity/people";
import { account, inviteBy, leaf, ROOM, rejoinOf, requestOf, World } from "./world";

const FORMER_FILE = join(
  dirname(fileURLToPath(import.meta.url)),
  "../../../tests/agreement/snapshot_former.json",
);
const FORMER = JSON.parse(readFileSync(FORMER_FILE, "utf8")) as {
  readonly bytes: string;
  readonly hash: string;
};

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const set = <T>(item: fc.Arbitrary<T>, key: (item: T) => Uint8Array) =>
  fc
    .uniqueArray(item, { maxLength: 4, selector: (one) => toHex(key(one)) })
    .map((items) => items.sort((a, b) => compare(key(a), key(b))));
const approvers = set(bytes(16), (one) => one).filter(({ length }) => length > 0);

const anyContext: fc.Arbitrary<RoomContext> = fc
  .record({
    parent: fc.option(bytes(16)),
    title: fc.constantFrom("Thursdays", "名", "a".repeat(80)),
    policy: fc.record({ admitApprovals: fc.integer({ min: 1, max: 8 }) }),
    charterHash: fc.option(bytes(48)),
    founder: bytes(16),
    guests: set(fc.record({ account: bytes(16), ends: fc.nat() }), (guest) => guest.account),
    invites: set(
      fc.record({
        id: bytes(16),
        inviter: bytes(16),
        joinKey: bytes(32),
        welcomeKey: bytes(32),
        sealKey: bytes(32),
        role: fc.constant("member" as const),
        notAfter: fc.nat(),
      }),
      (invite) => invite.id,
    ),
    pending: fc
      .uniqueArray(fc.record({ kind: fc.constant("remove" as const), target: bytes(16), approvers }), {
        maxLength: 3,
        selector: ({ target }) => toHex(target),
      })
      .map((items) => items.sort((a, b) => compare(a.target, b.target))),
    revocations: fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 }), { maxLength: 3 }),
    grounds: fc.option(
      fc.oneof(
        fc.record({
          kind: fc.constant("join" as const),
          request: fc.uint8Array({ minLength: 1, maxLength: 9 }),
        }),
        fc.record({
          kind: fc.constant("identity" as const),
          chain: fc.uint8Array({ minLength: 1, maxLength: 9 }),
        }),
        fc.constant({ kind: "expiry" as const }),
      ),
    ),
  })
  .map((fields) => ({ ...fields, kind: fields.parent === null ? ("commons" as const) : ("case" as const) }));

describe("E13: the room context", () => {
  it("E13 goes through bytes and back, in one spelling", () => {
    fc.assert(
      fc.property(anyContext, (context) => {
        const written = encodeRoomContext(context);
        expect(decodeRoomContext(written)).toEqual(context);
        expect(readRoomExtensions(roomExtensions(context))).toEqual(context);
      }),
      { numRuns: 100, seed: 13 },
    );
  });

  it("E13 invariant: any bytes are one or a RoomDataError", () => {
    const check = (data: Uint8Array) => {
      try {
        expect(encodeRoomContext(decodeRoomContext(data))).toEqual(data);
      } catch (error) {
        expect(error).toBeInstanceOf(RoomDataError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check));
    fc.assert(
      fc.property(anyContext, fc.nat(), fc.integer({ min: 1, max: 255 }), (context, at, change) => {
        const data = encodeRoomContext(context);
        data[at % data.length]! ^= change;
        check(data);
      }),
      { numRuns: 300 },
    );
  });

  const commons = newCommons(account("anna"), "Thursdays");
  const invite = inviteBy("anna").open;
  const pending = (target: Uint8Array) => ({ kind: "remove" as const, target, approvers: [account("anna")] });
  const [low, high] = [new Uint8Array(16), new Uint8Array(16).fill(255)];
  const refused: Record<string, Partial<RoomContext>> = {
    "a commons with a parent": { parent: ROOM },
    "a case without one": { kind: "case" },
    "an empty title": { title: "" },
    "a title that turns its direction": { title: "\u202eabc" },
    "a title of 81 characters": { title: "a".repeat(81) },
    "no approvals": { policy: { admitApprovals: 0 } },
    "nine approvals": { policy: { admitApprovals: 9 } },
    "a short charter hash": { charterHash: new Uint8Array(32) },
    "a short founder": { founder: new Uint8Array(15) },
    "an invite twice": { invites: [invite, invite] },
    "65 invites": {
      invites: Array.from({ length: 65 }, (_, i) => ({ ...invite, id: new Uint8Array(16).fill(i) })),
    },
    "pending out of order": { pending: [pending(high), pending(low)] },
    "a change twice": { pending: [pending(low), pending(low)] },
    "nobody who approves": { pending: [{ ...pending(low), approvers: [] }] },
    "approvers out of order": { pending: [{ ...pending(low), approvers: [high, low] }] },
    "an approver twice": { pending: [{ ...pending(low), approvers: [low, low] }] },
    "an empty revocation": { revocations: [new Uint8Array(0)] },
    "257 revocations": { revocations: Array.from({ length: 257 }, () => low) },
    "grounds beyond their bound": { grounds: { kind: "join", request: new Uint8Array(4097) } },
    "a guest twice": {
      guests: [
        { account: low, ends: 1 },
        { account: low, ends: 2 },
      ],
    },
  };
  it("E13 a policy that is no map: refused", () => {
    const data = encodeRoomContext(commons);
    const fields = decodeCanonical(data, data.length);
    for (const policy of [1, [1], "policy", null]) {
      expect(() => decodeRoomContext(encodeCanonical({ ...fields, policy }))).toThrow(RoomDataError);
    }
    expect(encodeCanonical(fields)).toEqual(data);
  });

  for (const [name, change] of Object.entries(refused)) {
    it(`E13 ${name}: refused`, () => {
      expect(() => decodeRoomContext(encodeRoomContext({ ...commons, ...change }))).toThrow(RoomDataError);
    });
  }
});

describe("E24: the fold", () => {
  const envelope = (counter: number, name = "event") => ({
    id: id(name),
    type: "post",
    counter,
    seen: { n: 0, head: id("head") },
    body: new Uint8Array(1),
    signature: seeded(`signature ${name}`)(64),
  });
  const place = (n: number, who = "anna") => ({
    n,
    account: account(who),
    device: leaf(who).identity.deviceId,
    time: n,
  });
  const profile = (name: string) => ({ type: "profile" as const, body: { name } });
  const start = firstFold(ROOM);

  it("E24 keeps names by account, and a newcomer's from their request", () => {
    const { fold } = foldEvent(start, place(1), envelope(1), profile("Anna"));
    expect(fold.names.get(toHex(account("anna")))).toBe("Anna");
    const invite = inviteBy("anna");
    const world = new World(["anna", "ben"], { invites: [invite.open] });
    const joined = world.commits("ben", planAdmit(world.situation("ben"), requestOf("dora", invite)));
    const after = foldCommit(fold, joined);
    expect([...after.names.values()]).toEqual(["Anna", "dora"]);
    const left = world.after(joined);
    const removal = { kind: "remove", target: account("dora") } as const;
    const removed = foldCommit(after, left.commits("anna", planChange(left.situation("anna"), removal)));
    expect([...removed.names.values()]).toEqual(["Anna"]);
    const counted = foldEvent(after, place(2, "dora"), envelope(3), null).fold;
    expect(counted.counters.size).toBe(2);
    const without = foldCommit(counted, left.commits("anna", planChange(left.situation("anna"), removal)));
    expect([...without.counters.keys()]).toEqual([toHex(leaf("anna").identity.deviceId)]);
  });

  it("E24 counts each device's events; one that counts backwards changes nothing but the hash", () => {
    const first = foldEvent(start, place(1), envelope(4), profile("Anna"));
    expect(first.repeated).toBe(false);
    for (const counter of [4, 3]) {
      const again = foldEvent(first.fold, place(2), envelope(counter), profile("Zoe"));
      expect(again.repeated).toBe(true);
      expect(again.fold.names).toEqual(first.fold.names);
      expect(again.fold.events).not.toEqual(first.fold.events);
    }
    expect(foldEvent(first.fold, place(2, "ben"), envelope(1), null).repeated).toBe(false);
  });

  it("E24 a device that is added anew counts anew", () => {
    const world = new World(["anna", "ben"]);
    const { fold } = foldEvent(start, place(1, "ben"), envelope(9), null);
    const asked = rejoinOf("ben", leaf("ben", { serial: 2 }));
    const after = foldCommit(fold, world.commits("anna", planRejoin(world.situation("anna"), asked)));
    expect(after.counters.size).toBe(0);
    expect(foldEvent(after, place(2, "ben"), envelope(1), null).repeated).toBe(false);
  });

  it("E24 the running hash covers position, author, id, signature and order", () => {
    const hash = (n: number, who: string, name: string, from: Fold = start) =>
      toHex(foldEvent(from, place(n, who), envelope(1, name), null).fold.events);
    const all = [hash(1, "anna", "a"), hash(2, "anna", "a"), hash(1, "ben", "a"), hash(1, "anna", "b")];
    expect(new Set(all).size).toBe(4);
    const other = { ...envelope(1, "a"), signature: seeded("other")(64) };
    expect(all).not.toContain(toHex(foldEvent(start, place(1), other, null).fold.events));
    expect(hash(1, "anna", "a", firstFold(id("other room")))).not.toBe(all[0]);
  });

  it("E24 an event of a type that is not known here counts all the same", () => {
    const known = foldEvent(start, place(1), envelope(1), profile("Anna")).fold;
    const unknown = foldEvent(start, place(1), envelope(1), null).fold;
    expect(unknown.events).toEqual(known.events);
    expect(unknown.counters).toEqual(known.counters);
  });
});

describe("E24: the snapshot", () => {
  const many = (count: number): Snapshot => ({
    position: 12,
    head: seeded("head")(48),
    fold: {
      ...firstFold(ROOM),
      names: new Map(
        Array.from({ length: count }, (_, i) => [toHex(id(`${i}`)), `${"名".repeat(79)}${i % 10}`]),
      ),
      counters: new Map(Array.from({ length: count }, (_, i) => [toHex(id(`d${i}`)), i + 1])),
    },
  });
  const collect = (pages: readonly ReturnType<typeof snapshotPages>[number][]) =>
    pages.reduce<Pages | null>((all, page) => takePage(all, page), null)!;
  /** Maps compare without their order; the bytes are in one. */
  const same = (a: Snapshot, b: Snapshot) => equal(encodeSnapshot(a), encodeSnapshot(b));

  it("E24 is the same bytes for the same state, whatever way it came about", () => {
    const one = many(20);
    const names = new Map([...one.fold.names].reverse());
    expect(encodeSnapshot({ ...one, fold: { ...one.fold, names } })).toEqual(encodeSnapshot(one));
    expect(same(decodeSnapshot(encodeSnapshot(one)), one)).toBe(true);
  });

  it("E24 of a full room goes into pages, and comes together in any order", () => {
    const full = many(256);
    const pages = snapshotPages(full);
    expect(pages.length).toBeGreaterThan(1);
    for (const page of pages) encodeBody({ type: "snapshot", body: page });
    expect(same(assembled(collect(pages))!, full)).toBe(true);
    expect(same(assembled(collect([...pages].reverse()))!, full)).toBe(true);
    expect(assembled(collect(pages.slice(1)))).toBeNull();
  });

  it("E24 pages that are not what their hash says are refused", () => {
    expect(() => snapshotPages(many(3000))).toThrow("beyond its bound");
    const [page] = snapshotPages(many(1));
    // The last byte of the running hash: still a snapshot, and another one.
    const at =
      page!.data.findIndex((_, i) => equal(page!.data.subarray(i, i + 48), many(1).fold.events)) + 47;
    const changed = { ...page!, data: spoilt(page!.data, at) };
    expect(() => decodeSnapshot(changed.data)).not.toThrow();
    expect(() => assembled(takePage(null, changed))).toThrow("hash");
    expect(() => assembled(takePage(null, { ...page!, position: 13 }))).toThrow(RoomDataError);
    expect(() => takePage(null, { ...page!, page: 1, pages: 1 })).toThrow(RoomDataError);
    const two = { ...page!, pages: 2 };
    expect(() => takePage(takePage(null, two), { ...two, pages: 3 })).toThrow(RoomDataError);
    // Another snapshot of the same author begins anew.
    const other = snapshotPages(many(2))[0]!;
    expect(takePage(takePage(null, two), other).data).toHaveLength(1);
  });

  it("E24 members say by themselves whether it is their own state too", () => {
    const own = many(3);
    const hash = snapshotHash(encodeSnapshot(own));
    expect(checkOf(own, hash)).toEqual({ position: 12, hash, agrees: true });
    const other = snapshotHash(encodeSnapshot(many(4)));
    expect(checkOf(own, other)).toEqual({ position: 12, hash: other, agrees: false });
    const head = { ...own, head: seeded("another head")(48) };
    expect(checkOf(head, hash).agrees).toBe(false);
  });

  it("E24 one of the former version is read, written and confirmed", () => {
    const former = decodeSnapshot(fromHex(FORMER.bytes));
    expect(former.fold).toMatchObject({ version: 1, rings: [], meetings: [] });
    expect(toHex(encodeSnapshot(former))).toBe(FORMER.bytes);
    const now = { ...former, fold: { ...former.fold, version: FOLD_VERSION } };
    expect(checkOf(now, fromHex(FORMER.hash)).agrees).toBe(true);
    expect(checkOf(now, snapshotHash(encodeSnapshot(now))).agrees).toBe(true);
    const other = { ...now, fold: { ...now.fold, counters: new Map() } };
    expect(checkOf(other, fromHex(FORMER.hash)).agrees).toBe(false);
  });

  it("E24 one of another version is refused", () => {
    const fields = decodeCanonical(fromHex(FORMER.bytes), 10_000);
    for (const change of [{ version: 3 }, { version: 0 }, { rings: [] }, { meetings: [] }]) {
      expect(() => decodeSnapshot(encodeCanonical({ ...fields, ...change }))).toThrow(RoomDataError);
    }
  });

  it("E24 the fullest state still fits into a snapshot's pages", () => {
    const top = 2 ** 53 - 1;
    const accounts = Array.from({ length: 256 }, (_, i) => id(`${i}`)).sort(compare);
    const names = new Map(accounts.map((one) => [toHex(one), "😀".repeat(80)]));
    const counters = new Map(accounts.map((one) => [toHex(one), top]));
    const by = accounts[0]!;
    const why = "😀".repeat(200);
    const rings = Array.from({ length: MAX_RINGS }, (_, i) => ({
      ...{
        call: id(`call ${i}`),
        n: top - 9 + i,
        at: top,
        by,
        urgency: "when_you_can" as const,
        why,
        wanted: 11,
      },
      also: Array.from({ length: MAX_ALSO }, (_, j) => ({ call: id(`also ${i} ${j}`), by, at: top, why })),
      answers: accounts
        .slice(0, MAX_RING_ANSWERS)
        .map((account) => ({ account, state: "later" as const, at: top, due: top })),
    }));
    const days = Array.from({ length: MAX_EXCEPTIONS }, (_, i) =>
      naiveLocal(1_767_290_400_000 + i * 86_400_000),
    );
    const meetings = accounts.slice(0, MAX_MEETINGS).map((meeting) => ({
      ...{ meeting, n: top, at: top, by, title: "😀".repeat(80), start: "2026-03-02T18:00", minutes: 600 },
      zone: "America/Argentina/ComodRivadavia",
      rule: "FREQ=WEEKLY;INTERVAL=99;BYDAY=MO,TU,WE,TH,FR,SA,SU;UNTIL=21991231",
      ends: LAST_LOCAL,
      moved: days.map((day) => ({ occurrence: day, start: day, minutes: 600 })),
      cancelled: [],
      answers: accounts
        .slice(0, MAX_ANSWERS)
        .map((account) => ({ occurrence: days[0]!, account, coming: "maybe" as const })),
    }));
    const fold = { version: FOLD_VERSION, names, counters, events: new Uint8Array(48), rings, meetings };
    const full = { position: top, head: new Uint8Array(48), fold };
    const pages = snapshotPages(full);
    expect(pages.length).toBeLessThanOrEqual(MAX_PAGES);
    expect(same(assembled(collect(pages))!, full)).toBe(true);
  });

  it("E24 names and counters stand in order, each once", () => {
    const fields = decodeCanonical(encodeSnapshot(many(3)), 10_000);
    const names = fields.names as unknown[];
    const counters = fields.counters as unknown[];
    for (const change of [
      { names: [names[1], names[0]] },
      { names: [names[0], names[0]] },
      { counters: [counters[1], counters[0]] },
    ]) {
      expect(() => decodeSnapshot(encodeCanonical({ ...fields, ...change }))).toThrow(RoomDataError);
    }
  });

  it("E24 invariant: any bytes are a snapshot or a RoomDataError", () => {
    const good = encodeSnapshot(many(2));
    const check = (data: Uint8Array) => {
      try {
        expect(encodeSnapshot(decodeSnapshot(data))).toEqual(data);
      } catch (error) {
        expect(error).toBeInstanceOf(RoomDataError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check));
    fc.assert(
      fc.property(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const data = good.slice();
        data[at]! ^= change;
        check(data);
      }),
      { numRuns: 300 },
    );
  });
});

describe("E38: what is not stored", () => {
  const exported = seeded("exported")(EPHEMERAL_LENGTH);
  const sender = newSender(3, seeded("session"));
  const typing = { kind: "typing", on: true } as const;
  const nothing = new Map<string, number>();

  it("E38 is read by whoever is in the epoch, and by nobody else", () => {
    const { payload } = sealSignal(exported, sender, typing, NOW);
    expect(openSignal(exported, nothing, payload, NOW)).toMatchObject({ leaf: 3, signal: typing });
    expect(openSignal(seeded("next epoch")(EPHEMERAL_LENGTH), nothing, payload, NOW)).toBeNull();
  });

  it("E38 no pair of key and nonce comes twice: every signal of every sender looks different", () => {
    const tails = new Set<string>();
    const senders = [sender, newSender(3, seeded("another session")), { ...sender, leaf: 4 }];
    for (let one of senders) {
      for (let i = 0; i < 20; i++) {
        const sealed = sealSignal(exported, one, typing, NOW);
        tails.add(toHex(sealed.payload.slice(14)));
        one = sealed.sender;
      }
    }
    expect(tails.size).toBe(60);
    expect(() => sealSignal(exported, { ...sender, counter: 2 ** 32 - 1 }, typing, NOW)).toThrow("used up");
  });

  it("E38 a receiver takes nothing twice, and nothing that came before", () => {
    const first = sealSignal(exported, sender, typing, NOW);
    const second = sealSignal(exported, first.sender, { kind: "presence", on: false }, NOW);
    const seen = openSignal(exported, nothing, second.payload, NOW)!.seen;
    expect(openSignal(exported, seen, second.payload, NOW)).toBeNull();
    expect(openSignal(exported, seen, first.payload, NOW)).toBeNull();
    const other = sealSignal(exported, newSender(3, seeded("reload")), typing, NOW);
    const both = openSignal(exported, seen, other.payload, NOW)!.seen;
    expect(openSignal(exported, both, second.payload, NOW)).toBeNull();
  });

  it("E38 is nothing when it is old, or from a clock that is far off", () => {
    const { payload } = sealSignal(exported, sender, typing, NOW);
    expect(openSignal(exported, nothing, payload, NOW + SIGNAL_AGE)).not.toBeNull();
    expect(openSignal(exported, nothing, payload, NOW + SIGNAL_AGE + 1)).toBeNull();
    expect(openSignal(exported, nothing, payload, NOW - SIGNAL_AGE - 1)).toBeNull();
  });

  it("E38 what a receiver remembers is bounded", () => {
    const { payload } = sealSignal(exported, sender, typing, NOW);
    const full = new Map(Array.from({ length: 4096 }, (_, i) => [`${i}`, 1] as const));
    expect(openSignal(exported, full, payload, NOW)).toBeNull();
    full.delete("0");
    expect(openSignal(exported, full, payload, NOW)).not.toBeNull();
  });

  it("E38 all signals have one size, and none is changed on the way", () => {
    const { payload } = sealSignal(exported, sender, typing, NOW);
    expect(sealSignal(exported, sender, { kind: "presence", on: false }, 1).payload).toHaveLength(
      payload.length,
    );
    for (let at = 0; at < payload.length; at++) {
      expect(openSignal(exported, nothing, spoilt(payload, at), NOW)).toBeNull();
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (data) => {
        expect(openSignal(exported, nothing, data, NOW)).toBeNull();
      }),
    );
    expect(openSignal(exported, nothing, concat(payload, payload), NOW)).toBeNull();
  });
});
