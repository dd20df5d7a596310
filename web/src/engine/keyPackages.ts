import { equal, toHex } from "../bytes/bytes";
import { readChain } from "../identity/statement";
import { keyPackageRef } from "../mls/keyPackage";
import { roomSuite } from "../mls/suite";
import type { Env } from "../room/core";
import { judged } from "../room/core/faults";
import { freshLeaf } from "../room/core/leaf";
import type { Membership } from "../room/core/state";
import {
  type ClaimedKeyPackage,
  judgeClaimed,
  MAX_KEY_PACKAGE,
  makeKeyPackage,
  type WantedDevice,
  welcomedRefs,
} from "../room/keyPackages";
import { serverInfo } from "./auth";
import type { Draft } from "./draft";
import { EngineError } from "./errors";
import { bytesField, type Json, mayPass, numberField, ServerError } from "./http";
import type { KeptKeyPackage, Records, SeenKeyPackage } from "./records";
import type { Session } from "./session";

/**
 * The upkeep of this device's KeyPackages, and claims of those of others (RFC 9420 §10, §16.8; E10, E39).
 *
 * Private keys are in the vault before the server hears of a KeyPackage. What the server was perhaps told is told again,
 * and a ref that it knows changes nothing; so an end at any moment leaves nothing half. Having a KeyPackage on the server
 * lets nobody add this device by itself: a Welcome is taken only where it is expected (E25).
 */

const DAY_MS = 24 * 3600 * 1000;
const PATH = "/api/key-packages";

export const KEPT_THERE = 20;
export const REFILL_BELOW = 10;
/** Twice a day, so that the one of last resort is another within a day after it was handed out (THREATS 4). */
export const LOOK_EVERY_MS = DAY_MS / 2;
/** Whoever claims one has some days to use it. */
export const RENEW_BEFORE_MS = 7 * DAY_MS;
/** A Welcome whose Commit came in time may reach this device later. */
export const GRACE_MS = 7 * DAY_MS;
/** Private keys at most; beyond, nothing new is left there before older ones have run out. */
export const MAX_KEPT = 256;
const MAX_SEEN = 4096;
/** In one call: its body has at most 256 KiB. */
const UPLOAD_AT_ONCE = 24;
const ROUNDS = 4;
/** In one draft: making one takes some milliseconds, and what people do waits for no more than these. */
const MADE_AT_ONCE = 4;
/** Nobody adds more in one Commit. */
const MAX_CLAIM = 32;
/** What the server says at most that it has of this device. */
const MAX_THERE = 100;

/** What the server has of this device. */
export type There = {
  readonly available: readonly Uint8Array[];
  readonly lastResort: Uint8Array | null;
  /** When that was, for the first time. */
  readonly lastResortHandedOut: number | null;
};

/** What is to be done at a look at what the server has. */
export type Plan = {
  /** Those whose private keys stay. */
  readonly kept: readonly KeptKeyPackage[];
  /** Made earlier; the server was not heard to have them. */
  readonly upload: readonly KeptKeyPackage[];
  readonly singles: number;
  /** Whether another one of last resort is to be made. */
  readonly lastResort: boolean;
  /** Refs that nobody should be handed any more. */
  readonly withdrawn: readonly Uint8Array[];
};

/** @param now in ms, by the server's clock */
export function planUpkeep(kept: readonly KeptKeyPackage[], there: There, now: number): Plan {
  const left = kept.filter(({ notAfter }) => now <= notAfter + GRACE_MS);
  const lasting = left.filter(({ notAfter }) => notAfter > now + RENEW_BEFORE_MS);
  const names = new Set(lasting.map(({ ref }) => toHex(ref)));
  const upload = lasting.filter(({ sent }) => !sent);
  const good = new Set(there.available.map(toHex).filter((ref) => names.has(ref)));
  for (const { ref, lastResort } of upload) if (!lastResort) good.add(toHex(ref));
  const singles = good.size < REFILL_BELOW ? KEPT_THERE - good.size : 0;
  const rotated =
    there.lastResort !== null && names.has(toHex(there.lastResort)) && there.lastResortHandedOut === null;
  return {
    kept: left,
    upload,
    singles: Math.max(0, Math.min(singles, MAX_KEPT - left.length)),
    lastResort: !rotated && !upload.some(({ lastResort }) => lastResort),
    // Also those that another store than this one has the keys of: nobody should be added by them.
    withdrawn: there.available.filter((ref) => !names.has(toHex(ref))),
  };
}

/** A new one, and its private keys. */
function make(env: Env, lastResort: boolean): KeptKeyPackage {
  const leaf = freshLeaf(env, 0);
  const { bytes, secrets } = makeKeyPackage(leaf, lastResort, env.rng);
  return {
    ref: keyPackageRef(roomSuite, bytes),
    keyPackage: bytes,
    secrets,
    notAfter: Number(leaf.notAfter) * 1000,
    lastResort,
    sent: false,
  };
}

/** The plan; what has run out is gone when this draft is stored. */
function look(draft: Draft, there: There, serverNow: number): Plan {
  const { records } = draft;
  const plan = planUpkeep(records.keyPackages, there, serverNow);
  if (plan.kept.length < records.keyPackages.length) {
    const over = records.keyPackages.filter((one) => !plan.kept.includes(one));
    draft.wiped.push(...over.flatMap(privateKeys));
    draft.records = { ...records, keyPackages: plan.kept };
  }
  return plan;
}

/** The plan carried out on this device: everything that is to be uploaded is stored. */
async function prepare(session: Session, there: There, serverNow: number): Promise<Plan> {
  const plan = await session.work((draft) => look(draft, there, serverNow));
  // The one of last resort first: with it alone, the device can be added.
  const wanted = [...(plan.lastResort ? [true] : []), ...new Array<boolean>(plan.singles).fill(false)];
  const upload = [...plan.upload];
  for (let at = 0; at < wanted.length; at += MADE_AT_ONCE) {
    const made = await session.work((draft) => {
      const some = wanted.slice(at, at + MADE_AT_ONCE).map((last) => make({ ...draft.env, serverNow }, last));
      draft.records = { ...draft.records, keyPackages: [...draft.records.keyPackages, ...some] };
      return some;
    });
    upload.push(...made);
  }
  return { ...plan, upload: upload.slice(0, UPLOAD_AT_ONCE) };
}

export function privateKeys({ secrets }: KeptKeyPackage): Uint8Array[] {
  return [secrets.initPrivateKey, secrets.encryptionPrivateKey, secrets.signaturePrivateKey];
}

function readThere(answer: Json): There {
  const { available } = answer;
  if (!Array.isArray(available) || available.length > MAX_THERE) throw new ServerError("server_answer", 200);
  const has = (name: string): boolean => answer[name] !== undefined;
  return {
    available: available.map((ref: unknown) => bytesField({ ref }, "ref")),
    lastResort: has("last_resort") ? bytesField(answer, "last_resort") : null,
    lastResortHandedOut: has("last_resort_handed_out") ? numberField(answer, "last_resort_handed_out") : null,
  };
}

/** See to it that the server has enough of them. @throws ServerError where it cannot be asked now */
export async function tend(session: Session): Promise<void> {
  // Asked now: were this device's clock set wrongly, keys that are still needed would be deleted by it.
  const { time } = await serverInfo(session.http);
  let there = readThere(await session.auth.call("GET", PATH));
  for (let round = 0; round < ROUNDS; round++) {
    const plan = await prepare(session, there, time);
    if (plan.upload.length === 0 && plan.withdrawn.length === 0) return;
    const body = {
      key_packages: plan.upload.map(({ ref, notAfter, keyPackage, lastResort }) => ({
        ref,
        not_after: notAfter,
        payload: keyPackage,
        last_resort: lastResort,
      })),
      withdrawn: plan.withdrawn,
    };
    try {
      there = readThere(await session.auth.call("PUT", PATH, body));
    } catch (error) {
      if (!(error instanceof ServerError) || mayPass(error)) throw error;
      // These will never be taken. An answer that said yes may have been lost before, so the keys stay.
      console.warn("KeyPackages were refused", error.code);
      await session.work((draft) => noteSent(draft, plan));
      return;
    }
    await session.work((draft) => noteSent(draft, plan));
  }
}

function noteSent(draft: Draft, { upload }: Plan): void {
  const refs = new Set(upload.map(({ ref }) => toHex(ref)));
  const keyPackages = draft.records.keyPackages.map((one) =>
    !one.sent && refs.has(toHex(one.ref)) ? { ...one, sent: true } : one,
  );
  draft.records = { ...draft.records, keyPackages };
}

// Being added by one

/**
 * Whose private keys open this Welcome (an MLSMessage), copied: a group wipes its own when they are superseded, and those
 * of last resort may open another. Whether it may be opened at all is for whoever expects it to say (E25).
 * @throws MlsError of the peer's fault
 */
export function keptFor(records: Records, welcome: Uint8Array): KeptKeyPackage | null {
  const refs = welcomedRefs(welcome);
  const found = records.keyPackages.find((one) => refs.some((ref) => equal(ref, one.ref)));
  if (!found) return null;
  const { initPrivateKey, encryptionPrivateKey, signaturePrivateKey } = found.secrets;
  const secrets = {
    initPrivateKey: initPrivateKey.slice(),
    encryptionPrivateKey: encryptionPrivateKey.slice(),
    signaturePrivateKey: signaturePrivateKey.slice(),
  };
  return { ...found, secrets };
}

/**
 * It has joined: in the same draft as the group that it joined. RFC 9420 §16.8: the keys of one of last resort open other
 * Welcomes as well, and go a while after another has taken its place.
 */
export function withoutUsed(draft: Draft, used: KeptKeyPackage): void {
  if (used.lastResort) return;
  const gone = draft.records.keyPackages.filter(({ ref }) => equal(ref, used.ref));
  draft.wiped.push(...gone.flatMap(privateKeys));
  const keyPackages = draft.records.keyPackages.filter((one) => !gone.includes(one));
  draft.records = { ...draft.records, keyPackages };
}

// Claiming

/**
 * Why a device cannot be added now. none: the server has no KeyPackage of it, or not for this device; not_here: it is not
 * in the room; identity_blocked: the person's keys are disputed (E7). Any other is the check that the KeyPackage did not
 * pass.
 */
export type Unavailable = { readonly kind: "unavailable"; readonly code: string };
export type Claimed = ({ readonly kind: "claimed" } & ClaimedKeyPackage) | Unavailable;

const unavailable = (code: string): Unavailable => ({ kind: "unavailable", code });

/**
 * A KeyPackage of each of these devices of a room, verified, or why there is none; by device id in hex. What comes is
 * noted before it is given, so that a server which hands it out again is found out. @throws EngineError | ServerError
 */
export async function claimKeyPackages(
  session: Session,
  room: string,
  devices: readonly Uint8Array[],
): Promise<ReadonlyMap<string, Claimed>> {
  const membership = session.rooms.get(room)?.membership;
  if (!membership) throw new EngineError("not_found");
  const pinned = new Map(devices.map((id) => [toHex(id), pinnedBy(session.records, membership, id)]));
  const asked = [...pinned.values()].flatMap((one) => ("code" in one ? [] : [one.deviceId]));
  const found = new Map<string, Uint8Array>();
  for (let at = 0; at < asked.length; at += MAX_CLAIM) {
    const part = asked.slice(at, at + MAX_CLAIM);
    const answer = await session.auth.call("POST", `${PATH}/claim`, { devices: part });
    for (const [device, payload] of readClaimed(answer, part)) found.set(device, payload);
  }
  return session.work((draft) => {
    const judgeOne = (device: string, wanted: WantedDevice | Unavailable): Claimed => {
      if ("code" in wanted) return wanted;
      const data = found.get(device);
      return data ? judge(draft, membership, wanted, data) : unavailable("none");
    };
    return new Map([...pinned].map(([device, wanted]) => [device, judgeOne(device, wanted)]));
  });
}

/** What was handed out, of the devices that were asked for and of each once. @throws ServerError */
function readClaimed(answer: Json, asked: readonly Uint8Array[]): ReadonlyMap<string, Uint8Array> {
  const { key_packages: given } = answer;
  const wrong = new ServerError("server_answer", 200);
  if (!Array.isArray(given) || given.length > asked.length) throw wrong;
  const out = new Map<string, Uint8Array>();
  for (const one of given) {
    if (one === null || typeof one !== "object") throw wrong;
    const device = bytesField(one, "device_id", 16);
    const payload = bytesField(one, "payload");
    const isNew = asked.some((id) => equal(id, device)) && !out.has(toHex(device));
    if (!isNew || payload.length === 0 || payload.length > MAX_KEY_PACKAGE) throw wrong;
    out.set(toHex(device), payload);
  }
  return out;
}

function judge(draft: Draft, membership: Membership, wanted: WantedDevice, data: Uint8Array): Claimed {
  const { env, records } = draft;
  const at = {
    deploymentId: env.me.deploymentId,
    now: env.now, // E10: the committer's own clock
    revocations: membership.context.revocations,
    seen: new Set(records.seenKeyPackages.map(({ ref }) => toHex(ref))),
  };
  const verdict = judged(() => judgeClaimed(data, wanted, at));
  if ("fault" in verdict) return unavailable(verdict.fault.code);
  const { ref, notAfter, lastResort } = verdict.value;
  if (!lastResort) draft.records = withSeen(records, { ref, notAfter }, env.now);
  return { kind: "claimed", ...verdict.value };
}

/** One that has run out is refused for that, and need not be remembered. */
export function withSeen(records: Records, seen: SeenKeyPackage, now: number): Records {
  const others = records.seenKeyPackages.filter(({ notAfter }) => notAfter >= now);
  return { ...records, seenKeyPackages: [...others, seen].slice(-MAX_SEEN) };
}

/** The device by the keys that this one knows the person by, never by what a server says of it. */
function pinnedBy(
  { account, people }: Records,
  { roster }: Membership,
  deviceId: Uint8Array,
): WantedDevice | Unavailable {
  const leaf = [...roster.values()].find((one) => equal(one.deviceId, deviceId));
  if (!leaf || equal(deviceId, account.deviceId)) return unavailable("not_here");
  const { accountId } = leaf;
  if (equal(accountId, account.identity.accountId)) {
    const { identityKey, serial, roots } = readChain(account.identity.chain);
    return { deviceId, accountId, identityKey, identitySerial: serial, roots };
  }
  const person = people.get(toHex(accountId));
  if (!person || person.standing === "blocked") return unavailable("identity_blocked");
  const { identityKey, identitySerial, roots } = person;
  return { deviceId, accountId, identityKey, identitySerial, roots };
}
