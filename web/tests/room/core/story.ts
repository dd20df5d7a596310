/**
 * What one device of a room is sent from its Welcome on, written down with its secrets, and how that ends. The same story is
 * told in Python (`tests/client/room/story.py`); either language reads both. The device says nothing itself, so that
 * nothing in the log is its own.
 */

import { concat, equal, fromBase64Url, toBase64Url } from "../../../src/bytes/bytes";
import { epoch, epochAuthenticator } from "../../../src/mls/group";
import {
  type Effect,
  type Env,
  type Frame,
  type Input,
  type JoinExpectation,
  joinRoom,
  type RoomState,
  roomView,
  step,
} from "../../../src/room/core";
import type { CallSignal } from "../../../src/room/ephemeral";
import { encodeSnapshot, snapshotHash } from "../../../src/room/snapshot";
import { decodeOne, encode } from "../../../src/wire/cbor";
import { DEPLOYMENT, id, seeded, someone } from "../../identity/people";
import type { FromServer } from "./deliveryService";
import { type Device, roomOf, World } from "./world";

const READER = "cleo";
const MAX_FRAME = 2 ** 22;

export type Story = {
  readonly expectation: Record<string, unknown>;
  /** When (ms), and the frame as it stands on the socket. */
  readonly frames: readonly (readonly [number, string])[];
  readonly end: ReturnType<typeof endOf>;
  /** What it was given of a call that it went into when it was told of one, and what was said there. */
  readonly call: readonly (readonly unknown[])[];
};

function envAt(time: number): Env {
  const { identity } = someone(READER);
  const { accountId } = identity;
  const deviceId = id(`device ${READER} phone`);
  const me = { accountId, deviceId, deploymentId: DEPLOYMENT, identity, name: READER };
  return { now: time, serverNow: time, rng: seeded(`reader ${time}`), me };
}

/** A room in which most things happen that a room knows. */
export function tell(): Story {
  const world = new World("story");
  const [anna, ben] = roomOf(world, "anna", "ben");
  const fragment = anna!.invite();
  world.run(1_000);
  const cleo = world.device(READER);
  const frames: [number, string][] = [];
  cleo.tamper = (frame) => {
    if (frame.t !== "ready" && frame.t !== "bye") frames.push([world.now, toBase64Url(encode(frame))]);
    if (callIn(frame)) world.at(world.now, () => cleo.call(false));
    return frame;
  };
  cleo.meddle = () => null;
  cleo.accept(fragment);
  const expectation = written(cleo.expectation!);
  world.run(20_000);
  anna!.post("Good morning. Who is here?");
  world.run(500);
  const first = anna!.postId("Good morning. Who is here?");
  ben!.command({ kind: "post", text: "I am — Grüße 👋", replyTo: first });
  anna!.post("Thiss is wrong");
  world.run(500);
  anna!.command({ kind: "edit", target: anna!.postId("Thiss is wrong"), text: "This is right" });
  ben!.command({ kind: "react", target: first, emoji: "👍", on: true });
  ben!.post("Not for long");
  world.run(500);
  ben!.command({ kind: "delete", target: ben!.postId("Not for long") });
  ben!.command({ kind: "rename", title: "Wednesday group" });
  world.run(1_000);
  const second = ben!.invite();
  world.run(1_000);
  const dora = world.device("dora");
  dora.accept(second);
  world.run(20_000);
  anna!.call(true);
  world.run(1_000);
  ben!.call(false);
  world.run(1_000);
  const sitting = ben!.view().call!.sitting!;
  const inCall = (who: Device, signal: CallSignal): void => who.command({ kind: "say_in_call", signal });
  inCall(anna!, { kind: "call_media", sitting, mic: true, camera: true, screen: false });
  inCall(ben!, { kind: "hand", sitting, on: true, since: world.now });
  inCall(ben!, { kind: "call_reaction", sitting, emoji: "👏" });
  world.run(1_000);
  const laptop = world.device("ben", "laptop");
  laptop.recover(ben!.pin());
  world.run(20_000);
  dora.post("Hello from Dora");
  laptop.post("Hello from my laptop");
  world.run(1_000);
  anna!.command({ kind: "remove_member", accountId: dora.me.accountId });
  world.run(1_000);
  ben!.command({ kind: "leave" });
  world.run(10_000);
  anna!.post("Only us now");
  anna!.command({ kind: "typing" });
  world.run(500);
  return { expectation, frames, end: endOf(cleo.state!, world.now), call: callOf(cleo.effects) };
}

/** The word that somebody is in a call, for a device that is not in it. */
function callIn(frame: FromServer): boolean {
  const me = id(`device ${READER} phone`);
  return (
    frame.t === "call_state" &&
    frame.participants.length > 0 &&
    !frame.participants.some(({ device }) => equal(device, me))
  );
}

function callOf(effects: readonly Effect[]): Story["call"] {
  return effects.flatMap((effect): unknown[][] => {
    switch (effect.kind) {
      case "media":
        return [["media", Number(effect.epoch), toBase64Url(effect.baseKey), [...effect.leaves.keys()]]];
      case "media_hold":
        return [["hold", effect.gone?.leaf ?? null]];
      case "media_end":
        return [["end"]];
      case "heard_in_call":
        return [["heard", toBase64Url(effect.deviceId), effect.signal.kind]];
      default:
        return [];
    }
  });
}

/** What two devices that were sent the same must agree on. */
function endOf(state: RoomState, time: number) {
  const { log, fold, membership } = state;
  const { group } = membership!;
  const sight = roomView(state, envAt(time), 1_000);
  return {
    at: time,
    n: log.n,
    head: toBase64Url(log.head!),
    epoch: Number(epoch(group)),
    authenticator: toBase64Url(epochAuthenticator(group)),
    fold: toBase64Url(snapshotHash(encodeSnapshot({ position: log.n, head: log.head!, fold }))),
    title: sight.title,
    members: sight.members.map(({ name, devices, founder }) => [name, devices, founder]),
    typing: sight.typing.map(toBase64Url),
    media: sight.call?.media ?? "off",
    callers: (sight.call?.participants ?? []).map(({ deviceId, hand, mic, camera, screen }) => [
      toBase64Url(deviceId),
      hand,
      mic,
      camera,
      screen,
    ]),
    posts: sight.items.flatMap((item) =>
      item.kind === "post"
        ? [
            [
              item.n,
              item.authorName,
              item.text,
              item.deleted,
              item.replyTo?.text ?? null,
              item.reactions.map(({ emoji, who }) => [emoji, who]),
            ],
          ]
        : [],
    ),
    lines: sight.items.flatMap((item) =>
      item.kind === "system" ? [[item.n, item.code, item.who, item.by, item.detail]] : [],
    ),
  };
}

/** How it ends for a device that is given the story, and what it alarmed. */
export function read({ expectation, frames, end }: Story): Pick<Story, "end" | "call"> & {
  alarms: string[];
} {
  let state: RoomState | null = null;
  const effects: Effect[] = [];
  for (const [time, data] of frames) {
    const frame = decodeOne(fromBase64Url(data), MAX_FRAME) as Frame;
    const env = envAt(time);
    if (state === null) {
      if (frame.t === "welcome") state = joinRoom(env, expected(expectation), frame, null).state;
      continue;
    }
    const inputs: Input[] = [{ kind: "frame", frame }];
    if (callIn(frame)) inputs.push({ kind: "command", command: { kind: "media_on", rekey: false } });
    for (const input of inputs) {
      const stepped = step(state, input, env);
      state = stepped.state;
      effects.push(...stepped.effects);
    }
  }
  const alarms = effects.flatMap((effect) => (effect.kind === "alarm" ? [effect.code] : []));
  return { end: endOf(state!, end.at), call: callOf(effects), alarms };
}

function written({ secrets, ...expectation }: JoinExpectation): Record<string, unknown> {
  const text = (fields: object): Record<string, string> =>
    Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [snakeCase(name), toBase64Url(concat(value))]),
    );
  return { ...text(expectation), secrets: text(secrets) };
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function expected(stored: Record<string, unknown>): JoinExpectation {
  const of = (fields: Record<string, unknown>, name: string): Uint8Array =>
    fromBase64Url(fields[name] as string);
  const secrets = stored.secrets as Record<string, unknown>;
  return {
    roomId: of(stored, "room_id"),
    inviteId: of(stored, "invite_id"),
    secret: of(stored, "secret"),
    inviterRoot: of(stored, "inviter_root"),
    requestHash: of(stored, "request_hash"),
    keyPackage: of(stored, "key_package"),
    secrets: {
      initPrivateKey: of(secrets, "init_private_key"),
      encryptionPrivateKey: of(secrets, "encryption_private_key"),
      signaturePrivateKey: of(secrets, "signature_private_key"),
    },
  };
}
