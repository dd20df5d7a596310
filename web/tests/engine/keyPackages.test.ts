import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { sha384 } from "@noble/hashes/sha2.js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { equal, fromBase64Url, fromHex, toBase64Url, toHex, utf8 } from "../../src/bytes/bytes";
import {
  type Claimed,
  claimKeyPackages,
  GRACE_MS,
  KEPT_THERE,
  keptFor,
  LOOK_EVERY_MS,
  MAX_KEPT,
  planUpkeep,
  privateKeys,
  REFILL_BELOW,
  RENEW_BEFORE_MS,
  type There,
  tend,
  withoutUsed,
  withSeen,
} from "../../src/engine/keyPackages";
import { type KeptKeyPackage, newRecords } from "../../src/engine/records";
import type { Session } from "../../src/engine/session";
import type { World } from "../../src/engine/world";
import { createGroup, epochAuthenticator } from "../../src/mls/group";
import { joinByWelcome } from "../../src/mls/joinGroup";
import { type Staged, stageCommit } from "../../src/mls/stageCommit";
import { roomSuite } from "../../src/mls/suite";
import { freshLeaf } from "../../src/room/core/leaf";
import type { ClaimedKeyPackage } from "../../src/room/keyPackages";
import { newCommons, roomExtensions } from "../../src/room/roomContext";
import { type StorageChange, StorageRefused } from "../../src/vault/storage";
import { Device, linkOf } from "./device";
import { House } from "./house";
import { type Opened, openSession } from "./openSession";

const PATH = "/api/key-packages";
const DAY_MS = 24 * 3_600_000;
const NOW = 1_800_000_000_000;

let house: House;
let devices: Device[] = [];
let sessions: Opened[] = [];

beforeAll(async () => {
  house = await House.open();
}, 90_000);
afterEach(async () => {
  for (const one of sessions) await one.close();
  for (const device of devices) await device.stop();
  sessions = [];
  devices = [];
});
afterAll(() => house?.close());

// The plan

const kept = (
  name: string,
  changes: Partial<KeptKeyPackage> & { readonly days?: number } = {},
): KeptKeyPackage => {
  const { days = 30, ...rest } = changes;
  const secret = utf8(name);
  return {
    ref: sha384(utf8(name)),
    keyPackage: utf8(name),
    secrets: { initPrivateKey: secret, encryptionPrivateKey: secret, signaturePrivateKey: secret },
    notAfter: NOW + days * DAY_MS,
    lastResort: false,
    sent: true,
    ...rest,
  };
};
const LAST = kept("last", { lastResort: true });
const some = (count: number, days = 30): KeptKeyPackage[] =>
  Array.from({ length: count }, (_, i) => kept(`${i} ${days}`, { days }));
const there = (
  available: readonly KeptKeyPackage[],
  last: KeptKeyPackage | null = LAST,
  handedOut: number | null = null,
): There => ({
  available: available.map(({ ref }) => ref),
  lastResort: last?.ref ?? null,
  lastResortHandedOut: handedOut,
});

describe("what a look at the server leads to", () => {
  test("a new device leaves twenty, and one of last resort", () => {
    expect(planUpkeep([], there([], null), NOW)).toEqual({
      kept: [],
      upload: [],
      singles: KEPT_THERE,
      lastResort: true,
      withdrawn: [],
    });
  });

  test.each([
    [20, 0],
    [REFILL_BELOW, 0],
    [REFILL_BELOW - 1, 11],
    [0, 20],
  ])("with %i there, %i are made", (left, made) => {
    const mine = [...some(20), LAST];
    const plan = planUpkeep(mine, there(mine.slice(0, left)), NOW);
    expect(plan).toMatchObject({ singles: made, lastResort: false, upload: [], withdrawn: [] });
    expect(plan.kept).toEqual(mine);
  });

  test("what runs out within a week is renewed and taken back; its keys stay", () => {
    const days = RENEW_BEFORE_MS / DAY_MS;
    const old = some(20, days);
    const last = kept("old last", { days, lastResort: true });
    const plan = planUpkeep([...old, last], there(old, last), NOW);
    expect(plan).toMatchObject({ singles: KEPT_THERE, lastResort: true });
    expect(plan.withdrawn).toHaveLength(20);
    expect(plan.kept).toHaveLength(21);
    const fresh = some(20, days + 0.001);
    expect(planUpkeep([...fresh, LAST], there(fresh), NOW).singles).toBe(0);
  });

  test("THREATS 4: the one of last resort is another once it was handed out, and only one other", () => {
    const mine = [...some(20), LAST];
    const all = mine.slice(0, 20);
    expect(planUpkeep(mine, there(all), NOW).lastResort).toBe(false);
    expect(planUpkeep(mine, there(all, LAST, NOW - 1), NOW).lastResort).toBe(true);
    expect(planUpkeep(mine, there(all, null), NOW).lastResort).toBe(true);
    const made = kept("new", { lastResort: true, sent: false });
    const plan = planUpkeep([...mine, made], there(all, LAST, NOW - 1), NOW);
    expect(plan).toMatchObject({ lastResort: false, upload: [made] });
  });

  test("private keys go a week after their end and not before", () => {
    const end = kept("end", { days: 1 });
    expect(planUpkeep([end], there([]), end.notAfter + GRACE_MS).kept).toEqual([end]);
    expect(planUpkeep([end], there([]), end.notAfter + GRACE_MS + 1).kept).toEqual([]);
  });

  test("what the server was not heard to have goes again; E39: what another copy has the keys of is taken back", () => {
    const unsent = some(20).map((one) => ({ ...one, sent: false }));
    expect(planUpkeep([...unsent, LAST], there([]), NOW)).toMatchObject({ upload: unsent, singles: 0 });
    const lost = planUpkeep([], there(some(20)), NOW);
    expect(lost).toMatchObject({ singles: KEPT_THERE, lastResort: true });
    expect(lost.withdrawn).toHaveLength(20);
  });

  test("whoever is drained keeps no keys without end", () => {
    expect(planUpkeep([...some(MAX_KEPT - 4), LAST], there([]), NOW).singles).toBe(3);
    expect(planUpkeep([...some(MAX_KEPT), LAST], there([]), NOW).singles).toBe(0);
  });
});

// On a real server

type Pair = { readonly anna: Device; readonly bert: Device; readonly room: string };

/** Two people in a room, their engines stopped. `apart`: Bert's KeyPackages have not reached the server. */
async function pair(apart: boolean): Promise<Pair> {
  const [anna, bert] = [await Device.started(house), await Device.started(house)];
  devices.push(anna, bert);
  if (apart) bert.browser.lost.add(PATH);
  await anna.join(house.founderLink(), "Anna");
  await anna.online();
  const roomId = await anna.engine.startGroup({ title: "Thursday" });
  const { url } = await anna.engine.createInvite(roomId);
  await bert.join(linkOf(url), "Bert");
  await bert.tab.group("Thursday");
  await anna.engine.openRoom(roomId);
  await anna.tab.until("Bert", () => anna.tab.rooms.get(roomId)?.members.length === 2);
  await anna.stop();
  await bert.stop();
  bert.browser.lost.clear();
  return { anna, bert, room: toHex(fromBase64Url(roomId)) };
}

async function opened(device: Device, changes: Partial<World> = {}): Promise<Opened> {
  const made = await openSession(device, changes);
  sessions.push(made);
  await made.until("online", () => made.session.online || made.failed());
  return made;
}

const deviceOf = ({ session }: Opened): Uint8Array => session.records.account.deviceId;
const filled = ({ session }: Opened): boolean =>
  session.records.keyPackages.filter(({ sent }) => sent).length >= KEPT_THERE + 1;

async function claim(by: Opened, room: string, device: Uint8Array): Promise<Claimed> {
  const answer = await claimKeyPackages(by.session, room, [device]);
  expect([...answer.keys()]).toEqual([toHex(device)]);
  return answer.get(toHex(device))!;
}

function taken(claimed: Claimed): ClaimedKeyPackage {
  if (claimed.kind !== "claimed") throw new Error(`not taken: ${claimed.code}`);
  return claimed;
}

/** A group of its own, outside of any room, with the device added. */
function added(session: Session, { keyPackage }: ClaimedKeyPackage): Staged {
  const env = session.env();
  const { signature, credential, notBefore, notAfter } = freshLeaf(env, 0);
  const group = createGroup({
    suite: roomSuite,
    groupId: env.rng(16),
    signature,
    credential,
    notBefore,
    notAfter,
    extensions: roomExtensions(newCommons(env.me.accountId, "A case")),
    rng: env.rng,
  });
  const proposals = [{ type: "add", keyPackage } as const];
  return stageCommit(group, { proposals, authenticatedData: new Uint8Array(), rng: env.rng });
}

describe("on a real server", () => {
  test("a group is joined by a claimed one, and its keys go; E25: a Welcome alone leads nowhere", async () => {
    const { anna, bert, room } = await pair(false);
    const [by, owner] = [await opened(anna), await opened(bert)];
    await owner.until("filled", () => filled(owner));
    const secrets = owner.session.records.keyPackages.flatMap(privateKeys);
    expect(secrets.length).toBe(3 * (KEPT_THERE + 1));
    for (const secret of secrets) expect(bert.storage.holds(secret)).toBe(false);

    const single = taken(await claim(by, room, deviceOf(owner)));
    expect(single.lastResort).toBe(false);
    const staged = added(by.session, single);
    const welcome = staged.welcome!;
    const mine = keptFor(owner.session.records, welcome)!;
    expect(equal(mine.ref, single.ref)).toBe(true);
    const input = { suite: roomSuite, welcome, keyPackage: mine.keyPackage, secrets: mine.secrets };
    const { group } = joinByWelcome(input);
    expect(epochAuthenticator(group)).toEqual(epochAuthenticator(staged.next));
    expect([...owner.session.rooms.keys()]).toEqual([room]);

    await owner.session.work((draft) => withoutUsed(draft, mine));
    expect(keptFor(owner.session.records, welcome)).toBeNull();
    await owner.close();
    const again = await opened(bert);
    expect(keptFor(again.session.records, welcome)).toBeNull();
  });

  test("the last resort is marked, joins twice, and is rotated at the next look", async () => {
    const { anna, bert, room } = await pair(false);
    const [by, owner] = [await opened(anna), await opened(bert)];
    await owner.until("filled", () => filled(owner));
    const refs = new Set<string>();
    for (let i = 0; i < KEPT_THERE; i++) {
      const one = taken(await claim(by, room, deviceOf(owner)));
      expect(one.lastResort).toBe(false);
      refs.add(toHex(one.ref));
    }
    expect(refs.size).toBe(KEPT_THERE);
    const last = taken(await claim(by, room, deviceOf(owner)));
    expect(taken(await claim(by, room, deviceOf(owner))).ref).toEqual(last.ref);
    expect(last.lastResort).toBe(true);
    for (let i = 0; i < 2; i++) {
      const welcome = added(by.session, last).welcome!;
      const mine = keptFor(owner.session.records, welcome)!;
      joinByWelcome({ suite: roomSuite, welcome, keyPackage: mine.keyPackage, secrets: mine.secrets });
      // A group wipes its own keys: these stay whole for the next.
      for (const key of privateKeys(mine)) key.fill(0);
      await owner.session.work((draft) => withoutUsed(draft, mine));
    }
    const calls = (): number => bert.browser.calls.filter((one) => one.endsWith(PATH)).length;
    const before = calls();
    bert.ahead = LOOK_EVERY_MS - 600_000;
    await owner.session.work((draft) => draft.tick());
    expect(calls()).toBe(before);
    bert.ahead = LOOK_EVERY_MS + 60_000;
    await owner.session.work((draft) => draft.tick());
    await owner.until("another", () => {
      const { keyPackages } = owner.session.records;
      return keyPackages.length === 2 * (KEPT_THERE + 1) && keyPackages.every(({ sent }) => sent);
    });
    expect(taken(await claim(by, room, deviceOf(owner))).lastResort).toBe(false);
  });

  test("an end at any step leaves nothing half: whatever was handed out, its owner has the keys of", async () => {
    const { anna, bert, room } = await pair(true);
    const by = await opened(anna);
    const handed: string[] = [];
    const deaths = new Set<number>();
    const { deviceId } = (await opened(bert, apart(bert))).session.records.account;
    await sessions.pop()!.close();
    // Of one look, before and after each: the question, what is made in five or six drafts, the upload, and that it was
    // heard. What was made in an earlier life is not made again, so six are certain.
    const CERTAIN = 6;
    for (const number of [20, 11, 8, 5, 4, 3, 2, 1]) {
      const steps = new Steps(number);
      const owner = await opened(bert, steps.around(bert.world));
      const done = (): boolean =>
        steps.calls.at(-1) === "PUT" && owner.session.records.keyPackages.every(({ sent }) => sent);
      await owner.until("its end", () => steps.over || done());
      if (steps.over) deaths.add(number);
      await owner.close();
      sessions.pop();
      for (let i = 0; i < 12; i++) {
        const one = await claim(by, room, deviceId);
        if (one.kind !== "claimed" || one.lastResort) break;
        handed.push(toHex(one.ref));
      }
    }
    for (let number = 1; number < CERTAIN; number++) expect(deaths.has(number)).toBe(true);
    expect(new Set(handed).size).toBe(handed.length);
    expect(handed.length).toBeGreaterThan(2 * KEPT_THERE);
    const owner = await opened(bert);
    const left = (): Promise<{ available: string[] }> =>
      owner.session.auth.call("GET", PATH) as unknown as Promise<{ available: string[] }>;
    while ((await left()).available.length < REFILL_BELOW)
      await owner.until("a moment", () => owner.session.online);
    const known = new Set(owner.session.records.keyPackages.map(({ ref }) => toHex(ref)));
    for (const ref of handed) expect(known.has(ref)).toBe(true);
    for (const ref of (await left()).available) expect(known.has(toHex(fromBase64Url(ref)))).toBe(true);
  });

  test("THREATS 2, 3: an evil server is told from an honest one", async () => {
    const { anna, bert, room } = await pair(false);
    const owner = await opened(bert);
    await owner.until("filled", () => filled(owner));
    type Given = { device_id: string; payload: string; last_resort: boolean };
    let alter: (given: Given[]) => Given[] = (given) => given;
    let last: Given[] = [];
    const world = anna.world;
    const fetch: World["fetch"] = async (url, init) => {
      const answer = await world.fetch(url, init);
      if (!url.endsWith("/claim") || !answer.ok) return answer;
      const { key_packages: given } = (await answer.json()) as { key_packages: Given[] };
      last = given;
      return Response.json({ key_packages: alter(given) });
    };
    const by = await opened(anna, { fetch });
    await by.until("filled", () => filled(by));
    const verdict = async (): Promise<string> => {
      const one = await claim(by, room, deviceOf(owner));
      return one.kind === "claimed" ? "taken" : one.code;
    };
    expect(await verdict()).toBe("taken");
    const old = last;
    const own = by.session.records.keyPackages.at(0)!;

    alter = () => old;
    expect(await verdict()).toBe("key_package_seen");
    alter = ([one]) => [{ ...one!, payload: toBase64Url(own.keyPackage) }];
    expect(await verdict()).toBe("key_package_account");
    alter = ([one]) => {
      const payload = fromBase64Url(one!.payload);
      payload[payload.length - 1]! ^= 1;
      return [{ ...one!, payload: toBase64Url(payload) }];
    };
    expect(await verdict()).toBe("v402_key_package_signature");
    alter = () => [];
    expect(await verdict()).toBe("none");
    alter = (given) => given;
    // E10: by the own clock.
    anna.ahead = 40 * DAY_MS;
    expect(await verdict()).toBe("key_package_expired");
    // Its own keys do not go by that clock.
    const mine = by.session.records.keyPackages;
    await tend(by.session);
    expect(by.session.records.keyPackages).toEqual(mine);
    anna.ahead = 0;
    for (const nonsense of [
      (given: Given[]) => [given[0]!, given[0]!],
      (given: Given[]) => [{ ...given[0]!, device_id: toBase64Url(new Uint8Array(16)) }],
      (given: Given[]) => [{ ...given[0]!, payload: "" }],
      (given: Given[]) => [{ ...given[0]!, payload: toBase64Url(new Uint8Array(8193)) }],
    ]) {
      alter = nonsense;
      await expect(verdict()).rejects.toMatchObject({ code: "server_answer" });
    }
    alter = (given) => given;
    // E7: whose keys are disputed is not added before they are compared.
    const { people } = by.session.records;
    const account = toHex(owner.session.records.account.identity.accountId);
    const blocked = new Map(people).set(account, { ...people.get(account)!, standing: "blocked" });
    await by.session.work((draft) => {
      draft.records = { ...draft.records, people: blocked };
    });
    expect(await verdict()).toBe("identity_blocked");
    // Neither oneself nor a device that is not in the room is asked for.
    const calls = anna.browser.calls.length;
    const nobody = await claimKeyPackages(by.session, room, [deviceOf(by), new Uint8Array(16)]);
    expect([...nobody.values()].map((one) => one.kind === "unavailable" && one.code)).toEqual([
      "not_here",
      "not_here",
    ]);
    expect(anna.browser.calls.length).toBe(calls);
    await expect(claimKeyPackages(by.session, "00".repeat(16), [deviceOf(owner)])).rejects.toMatchObject({
      code: "not_found",
    });
  });

  test("what was seen is remembered until it runs out", async () => {
    const { anna } = await pair(false);
    const { session } = await opened(anna);
    let records = newRecords(session.records.account);
    const refs = (): string[] => records.seenKeyPackages.map(({ ref }) => new TextDecoder().decode(ref));
    records = withSeen(records, { ref: utf8("one"), notAfter: NOW }, NOW);
    records = withSeen(records, { ref: utf8("two"), notAfter: NOW + 2 }, NOW);
    expect(refs()).toEqual(["one", "two"]);
    records = withSeen(records, { ref: utf8("three"), notAfter: NOW + 9 }, NOW + 1);
    expect(refs()).toEqual(["two", "three"]);
  });
});

/** A member in Python, in a process of its own (tests/client/exchange.py): a line of JSON for each line of JSON. */
class Petra {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #logged = "";

  constructor(store: string, link: string) {
    const root = resolve(import.meta.dirname, "../../..");
    const python = join(root, ".venv/bin/python");
    const made = spawn(python, ["-m", "tests.client.exchange", store, link], { cwd: root });
    made.stderr.on("data", (data: Buffer) => {
      this.#logged += data.toString();
    });
    this.#process = made;
    this.#lines = createInterface({ input: made.stdout })[Symbol.asyncIterator]();
  }

  async says(): Promise<Record<string, string>> {
    const line = await this.#lines.next();
    if (line.done) throw new Error(`Petra has gone: ${this.#logged.slice(-2000)}`);
    return JSON.parse(line.value);
  }

  asked(question: Record<string, string>): Promise<Record<string, string>> {
    this.#process.stdin?.write(`${JSON.stringify(question)}\n`);
    return this.says();
  }

  end(): void {
    this.#process.kill();
  }
}

describe("across languages", () => {
  test("Python adds a browser's device by what it claimed, and a browser one of Python; both join", async () => {
    const anna = await Device.started(house);
    devices.push(anna);
    await anna.join(house.founderLink(), "Anna");
    await anna.online();
    const roomId = await anna.engine.startGroup({ title: "Thursday" });
    const { url } = await anna.engine.createInvite(roomId);
    await anna.stop();
    const me = await opened(anna);
    const folder = mkdtempSync(join(tmpdir(), "collegium-petra-"));
    const petra = new Petra(join(folder, "petra.sqlite"), url);
    try {
      await me.until("filled", () => filled(me));
      const theirs = fromHex((await petra.says()).device!);

      const answer = await petra.asked({ claim: toHex(deviceOf(me)) });
      const welcome = fromHex(answer.welcome!);
      const mine = keptFor(me.session.records, welcome)!;
      const { group } = joinByWelcome({
        suite: roomSuite,
        welcome,
        keyPackage: mine.keyPackage,
        secrets: mine.secrets,
      });
      expect(toHex(epochAuthenticator(group))).toBe(answer.authenticator);
      await me.session.work((draft) => withoutUsed(draft, mine));
      expect(keptFor(me.session.records, welcome)).toBeNull();

      const room = toHex(fromBase64Url(roomId));
      const staged = added(me.session, taken(await claim(me, room, theirs)));
      expect(await petra.asked({ join: toHex(staged.welcome!) })).toEqual({
        authenticator: toHex(epochAuthenticator(staged.next)),
        kept: "none",
      });
    } finally {
      petra.end();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** No call about KeyPackages reaches the server. */
function apart(device: Device): Partial<World> {
  const { world } = device;
  return {
    fetch: async (url, init) => {
      if (url.includes(PATH)) throw new TypeError("offline");
      return world.fetch(url, init);
    },
  };
}

/**
 * Counts what touches the world once KeyPackages are looked after: before and after each request about them, and before
 * and after whatever is stored. From step `at` on nothing reaches anything.
 */
class Steps {
  readonly calls: string[] = [];
  #taken = 0;
  readonly #at: number;

  constructor(at: number) {
    this.#at = at;
  }

  get over(): boolean {
    return this.#taken > this.#at;
  }

  #step(death: Error): void {
    this.#taken += 1;
    if (this.over) throw death;
  }

  around(world: World): Partial<World> {
    const change = async (
      inner: (change: StorageChange) => Promise<boolean>,
      what: StorageChange,
    ): Promise<boolean> => {
      if (this.calls.length === 0) return inner(what);
      this.#step(new StorageRefused("storage_denied", null));
      const held = await inner(what);
      this.#step(new StorageRefused("storage_denied", null));
      return held;
    };
    return {
      fetch: async (url, init) => {
        if (!url.includes(PATH)) return world.fetch(url, init);
        this.#step(new TypeError("gone"));
        this.calls.push(init.method ?? "");
        const answer = await world.fetch(url, init);
        this.#step(new TypeError("gone"));
        return answer;
      },
      storage: async () => {
        const inner = await world.storage();
        return { ...inner, change: (what) => change(inner.change, what) };
      },
    };
  }
}
