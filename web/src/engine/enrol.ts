import { fromBase64Url, type Rng, toHex, wipe } from "../bytes/bytes";
import { openBundle, sealBundle } from "../identity/bundle";
import { newIdentity } from "../identity/identity";
import {
  formatRecoveryCode,
  newRecoveryCode,
  parseRecoveryCode,
  RECOVERY_GROUPS,
  recoveryGroups,
} from "../identity/recoveryCode";
import { accountIdOf, type RootKeys, rootKeys } from "../identity/rootKeys";
import { newSignInKey, proveRecovery } from "../identity/signIn";
import { rejoinRoom } from "../room/core";
import { type Link, parseLink } from "../room/invites";
import { isName, isTitle } from "../room/text";
import type { LinkKind } from "./api";
import { serverInfo } from "./auth";
import { Draft, envOf, type Open } from "./draft";
import { EngineError } from "./errors";
import { bytesField, type Http, type Json, numberField, ServerError } from "./http";
import { type Account, newRecords } from "./records";
import type { World } from "./world";

/** Coming into being: links, new accounts, and accounts that come back by their recovery code. */

const DEVICE_ID_BYTES = 16;
const MAX_LINK = 1024;
/** How many groups of the code are asked back. */
const ASKED = 2;

/** A name as colleagues will see it. @throws EngineError */
export function checkedName(text: string): string {
  const name = text.normalize("NFC").trim().replace(/\s+/gu, " ");
  if (name === "") throw new EngineError("name_invalid");
  if (!isName(name)) throw new EngineError("name_invalid");
  return name;
}

/** A group's title. @throws EngineError */
export function checkedTitle(text: string): string {
  const title = text.normalize("NFC").trim().replace(/\s+/gu, " ");
  if (title === "") throw new EngineError("title_invalid");
  if (!isTitle(title)) throw new EngineError("title_invalid");
  return title;
}

/** The text behind `#`, or a whole address that was pasted. @throws EngineError */
export function readLink(text: string, origin: string): Link {
  let link = text.trim();
  if (link.length > MAX_LINK) throw new EngineError("link_incomplete");
  if (link.includes("://")) {
    if (!URL.canParse(link)) throw new EngineError("link_incomplete");
    const url = new URL(link);
    if (url.origin !== origin) throw new EngineError("link_other_server");
    link = url.hash;
  }
  try {
    return parseLink(link.replace(/^#/, ""));
  } catch {
    throw new EngineError("link_incomplete"); // its only error: not a link, or not all of one
  }
}

export type JoinInfo =
  | { readonly founder: true }
  | {
      readonly founder: false;
      readonly roomId: Uint8Array;
      readonly inviteId: Uint8Array;
      readonly notAfter: number;
    };

/** What the server knows of a link; looking uses nothing up. @throws EngineError */
export async function lookUp(http: Http, link: Link): Promise<JoinInfo> {
  let answer: Json;
  try {
    answer = await http.call("GET", `/api/join/${link.token}`);
  } catch (error) {
    if (error instanceof ServerError && error.code === "not_found") throw new EngineError("link_unknown");
    throw error;
  }
  if (answer.founder === true) return { founder: true };
  // An invite without its fragment, or a founder's mark on an invite: part of the link is missing.
  if (link.kind === "founder") throw new EngineError("link_incomplete");
  return {
    founder: false,
    roomId: bytesField(answer, "room_id", 16),
    inviteId: bytesField(answer, "invite_id", 16),
    notAfter: numberField(answer, "not_after"),
  };
}

export async function inspect(http: Http, text: string, origin: string): Promise<LinkKind> {
  try {
    const found = await lookUp(http, readLink(text, origin));
    return found.founder ? { kind: "founder" } : { kind: "invite", notAfter: found.notAfter };
  } catch (error) {
    const code = error instanceof EngineError ? error.code : null;
    if (code === "link_unknown" || code === "link_incomplete" || code === "link_other_server") {
      return { kind: "refused", code };
    }
    throw error;
  }
}

/** Two different groups, by chance. */
function asked(rng: Rng): number[] {
  const places = Array.from({ length: RECOVERY_GROUPS }, (_, i) => i);
  const out: number[] = [];
  while (out.length < ASKED) {
    // 252 is a multiple of 7 and of 6: no place is likelier than another.
    const byte = rng(1)[0]!;
    if (byte < 252) out.push(...places.splice(byte % places.length, 1));
  }
  return out.sort((a, b) => a - b);
}

export type Code = { readonly bytes: Uint8Array; readonly keys: RootKeys; readonly accountId: Uint8Array };

export function codeOf(bytes: Uint8Array): Code {
  const keys = rootKeys(bytes);
  return { bytes, keys, accountId: accountIdOf(keys.root.publicKey) };
}

/** @throws RecoveryCodeError */
export function typedCode(text: string): Code {
  return codeOf(parseRecoveryCode(text));
}

export function newCode(rng: Rng): Code {
  return codeOf(newRecoveryCode(rng));
}

export function forgetCode(code: Code): void {
  const { root, recovery, seal, vaultKey } = code.keys;
  wipe(code.bytes, root.privateKey, recovery.privateKey, seal.privateKey, vaultKey);
}

export function shownCode(account: Account): { code: string; ask: readonly number[] } | null {
  return account.code && { code: formatRecoveryCode(account.code.bytes), ask: account.code.ask };
}

export function askedGroups(account: Account): string[] {
  if (!account.code) return [];
  const groups = recoveryGroups(account.code.bytes);
  return account.code.ask.map((place) => groups[place]!);
}

/** An account that nobody has heard of yet. */
export async function newAccount(
  world: World,
  http: Http,
  code: Code,
  { link, text, name }: { link: Link; text: string; name: string },
): Promise<Account> {
  const { rng } = world;
  const { deploymentId } = await serverInfo(http);
  const identity = newIdentity(code.keys, rng);
  return {
    deploymentId,
    identity,
    deviceId: rng(DEVICE_ID_BYTES),
    signIn: newSignInKey(rng),
    name,
    code: { bytes: code.bytes.slice(), ask: asked(rng) },
    pending: {
      kind: "register",
      token: fromBase64Url(link.token),
      recoveryKey: code.keys.recovery.publicKey,
      backup: sealBundle({ identity, name, pins: [] }, rng),
    },
    link: link.kind === "invite" ? text : null,
  };
}

/**
 * E22: what the recovery code brings back: the account with a new device that is not registered yet, and a room for
 * each pin, which asks to be let in again. @throws ServerError "recovery" @throws BundleError
 */
export async function recovered(world: World, http: Http, code: Code): Promise<Open> {
  const { rng } = world;
  const { accountId, keys } = code;
  const { deploymentId, time } = await serverInfo(http);
  const challenge = bytesField(
    await http.call("POST", "/api/recovery/challenge", { account_id: accountId }),
    "challenge",
    32,
  );
  const signature = proveRecovery(keys.recovery, { deploymentId, accountId, challenge });
  const answer = await http.call("POST", "/api/recovery/open", {
    account_id: accountId,
    challenge,
    signature,
  });
  const { identity, name, pins } = openBundle(bytesField(answer, "backup"), keys);
  const account: Account = {
    deploymentId,
    identity,
    deviceId: rng(DEVICE_ID_BYTES),
    signIn: newSignInKey(rng),
    name,
    code: null,
    pending: { kind: "recover", grant: bytesField(answer, "grant", 32) },
    link: null,
  };
  const records = newRecords(account);
  const now = world.now();
  const draft = new Draft({ records, rooms: new Map() }, envOf(records, now, time - now, rng));
  const seen = new Set<string>();
  for (const pin of pins) {
    const hex = toHex(pin.room);
    if (!seen.has(hex)) draft.add(rejoinRoom(draft.env, pin));
    seen.add(hex);
  }
  return { records: draft.records, rooms: draft.rooms };
}
