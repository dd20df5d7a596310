import { toBase64Url, toHex } from "../bytes/bytes";
import { type KnownPeople, standing } from "../identity/knownPeople";
import type { RoomSight, SightItem, SightMember } from "../room/core";
import type { StoredWrap } from "../vault/storage";
import type {
  Alarm,
  AppView,
  Connection,
  GroupSummary,
  Member,
  Person,
  RoomView,
  Standing,
  TimelineItem,
  UnlockWays,
  Waiting,
} from "./api";
import { type CallEyes, callView, nextMeetings, ringViews, upcoming } from "./callViews";
import { PASSKEY_SALT } from "./passkey";
import { wakesOf } from "./push";
import type { AlarmRow, Records, WaitingRow } from "./records";
import type { Session } from "./session";

/** From what the engine holds to what the interface sees: ids as text, persons with their standing. Pure. */

/** A clock is said to be off from so many minutes on (E10). */
const CLOCK_TOLERANCE_MINUTES = 10;

/** Whose eyes see it: who I am, and what this device knows of others. */
export type Eyes = { readonly me: Uint8Array; readonly people: KnownPeople };

export function standingOf({ me, people }: Eyes, accountId: Uint8Array): Standing {
  if (toHex(me) === toHex(accountId)) return "me";
  const known = standing(people, accountId);
  // A blocked person is shown as changed; an alarm says what it is (E7).
  return known === "verified"
    ? "verified"
    : known === "changed" || known === "blocked"
      ? "changed"
      : "introduced";
}

function person(eyes: Eyes, accountId: Uint8Array, name: string): Person {
  return { accountId: toBase64Url(accountId), name, standing: standingOf(eyes, accountId) };
}

function member(eyes: Eyes, one: SightMember): Member {
  const { devices, founder, online } = one;
  return { ...person(eyes, one.accountId, one.name), devices, founder, online };
}

function item(eyes: Eyes, one: SightItem): TimelineItem {
  const id = toBase64Url(one.id);
  if (one.kind === "system") return { ...one, id };
  const { author, authorName, replyTo, ...rest } = one;
  return {
    ...rest,
    id,
    author: person(eyes, author, authorName),
    replyTo: replyTo && { ...replyTo, id: toBase64Url(replyTo.id) },
  };
}

export function eyesOf(records: Records): Eyes {
  return { me: records.account.identity.accountId, people: records.people };
}

/** The same, for what is to be seen of calls: by the clock of the log's stamps. */
export function callEyes(session: Session): CallEyes {
  const { records, call: line, desk } = session;
  const now = session.env().serverNow;
  return { ...eyesOf(records), device: records.account.deviceId, now, line, desk };
}

export function roomViewOf(eyes: CallEyes, sight: RoomSight, thisTab: boolean): RoomView {
  const nameOf = (accountId: Uint8Array): string =>
    sight.members.find((one) => toHex(one.accountId) === toHex(accountId))?.name ?? "";
  const { title, state, older, readUpTo, removesAlone, amFounder, provisional, confirmedAt } = sight;
  return {
    roomId: toBase64Url(sight.roomId),
    title,
    state,
    members: sight.members.map((one) => member(eyes, one)),
    items: sight.items.map((one) => item(eyes, one)),
    older,
    readUpTo,
    typing: sight.typing.map(nameOf).filter((name) => name !== ""),
    call: callView(eyes, sight, thisTab),
    rings: ringViews(eyes, sight),
    meetings: nextMeetings(eyes, sight),
    invites: sight.invites.map(({ inviteId, by, mine, notAfter }) => ({
      inviteId: toBase64Url(inviteId),
      by: nameOf(by),
      mine,
      notAfter,
    })),
    removals: sight.removals.map((one) => ({ ...one, accountId: toBase64Url(one.accountId) })),
    removesAlone,
    amFounder,
    provisional,
    confirmedAt,
  };
}

export function summaryOf(sight: RoomSight): GroupSummary {
  const { title, unread, lastAt, lastText, state } = sight;
  return {
    roomId: toBase64Url(sight.roomId),
    title,
    members: sight.members.length,
    unread,
    lastAt,
    lastText,
    state,
  };
}

function waitingOf({ inviteId, since, state }: WaitingRow): Waiting {
  return { inviteId: toBase64Url(inviteId), since, state };
}

function alarmOf({ id, code, roomId, name, at }: AlarmRow): Alarm {
  return { id: toBase64Url(id), code, roomId: roomId && toBase64Url(roomId), who: name, at };
}

/** Minutes between this device's clock and the server's stamps; 0 below ten. */
export function clockOff(skew: number): number {
  const minutes = Math.round(Math.abs(skew) / 60_000);
  return minutes < CLOCK_TOLERANCE_MINUTES ? 0 : minutes;
}

/** @param isCallTab whether the tab that it is for has the call of this device */
export function openView(
  records: Records,
  sights: readonly RoomSight[],
  connection: Connection,
  skew: number,
  eyes: CallEyes,
  isCallTab: boolean,
): AppView {
  const { account, waiting, alarms } = records;
  const here = sights.find(({ roomId }) => toHex(roomId) === eyes.line.room);
  const groups = sights.map(summaryOf).sort((a, b) => b.lastAt - a.lastAt || (a.roomId < b.roomId ? -1 : 1));
  return {
    stage: "open",
    me: { accountId: toBase64Url(account.identity.accountId), name: account.name, standing: "me" },
    connection,
    groups,
    waiting: waiting.map(waitingOf),
    alarms: alarms.map(alarmOf),
    rings: sights
      .flatMap((sight) => ringViews(eyes, sight))
      .sort((a, b) => Number(b.rings) - Number(a.rings) || b.at - a.at),
    call: here === undefined ? null : callView(eyes, here, isCallTab),
    meetings: upcoming(eyes, sights),
    clockOffMinutes: clockOff(skew),
    wakes: wakesOf(records),
  };
}

/** How the vault that lies here opens. */
export function waysOf(wraps: readonly StoredWrap[]): UnlockWays {
  const passkey = wraps.find(({ kind }) => kind === "prf");
  return {
    passphrase: wraps.some(({ kind }) => kind === "passphrase"),
    passkey:
      passkey?.credentialId === undefined ? null : { credentialId: passkey.credentialId, salt: PASSKEY_SALT },
  };
}
