import type {
  Ack,
  Bye,
  CaughtUp,
  Cursors,
  Entry,
  Ephemeral,
  Gap,
  Pong,
  Ready,
  Refused,
  Removed,
  Request,
  RequestGone,
  Routing,
  Stale,
  Welcome,
} from "../wire/generated";
import { bytes, type Check, fields, list, maybe, number, oneOf, position, text } from "./shape";

/** The server's frames, checked field by field (`wire/frames.py`) before anything believes them. */

export type RoomFrame =
  | Ack
  | Stale
  | Entry
  | Gap
  | CaughtUp
  | Welcome
  | Request
  | RequestGone
  | Cursors
  | Ephemeral
  | Removed
  | Routing
  | Refused;
export type ServerFrame = RoomFrame | Ready | Pong | Bye;

/** What came is no frame of ours. */
export class FrameError extends Error {
  readonly code = "frame";
}

const MAX_LEAVES = 256;
const MAX_ROOMS = 1024;
const id = bytes(16);
const devices = list(id, MAX_LEAVES);
const cursors = list(fields({ device: id, n: number }), 2 * MAX_LEAVES);
const t = (name: string): Check => oneOf(name);
const payload = bytes(1, 1024 * 1024);

const FRAMES: Readonly<Record<string, Check>> = {
  ready: fields({
    t: t("ready"),
    device: id,
    time: number,
    rooms: list(fields({ room: id, last: number, after: number, list: devices, cursors }), MAX_ROOMS),
  }),
  ack: fields({ t: t("ack"), room: id, id, n: position, time: number }),
  stale: fields({ t: t("stale"), room: id, id, after: number }),
  refused: fields({ t: t("refused"), room: maybe(id), id: maybe(id), code: text(40), message: text(300) }),
  entry: fields({
    t: t("entry"),
    room: id,
    n: position,
    time: number,
    kind: oneOf("message", "commit", "leave"),
    id,
    device: maybe(id),
    payload,
  }),
  gap: fields({
    t: t("gap"),
    room: id,
    entries: list(fields({ n: position, time: number, hash: bytes(48) }), 1000, 1),
  }),
  caught_up: fields({ t: t("caught_up"), room: id, last: number }),
  welcome: fields({
    t: t("welcome"),
    room: id,
    n: position,
    time: number,
    payload: bytes(1, 2 * 1024 * 1024),
  }),
  request: fields({
    t: t("request"),
    room: id,
    request_id: id,
    time: number,
    kind: oneOf("join", "rejoin"),
    sealed: bytes(1, 64 * 1024),
  }),
  request_gone: fields({ t: t("request_gone"), room: id, request_id: id }),
  cursors: fields({ t: t("cursors"), room: id, cursors }),
  removed: fields({ t: t("removed"), room: id, n: position }),
  routing: fields({ t: t("routing"), room: id, old: devices, new: devices }),
  ephemeral: fields({ t: t("ephemeral"), room: id, payload: bytes(1, 2 * 1024) }),
  pong: fields({ t: t("pong") }),
  bye: fields({ t: t("bye"), code: text(40) }),
};

/** @throws FrameError */
export function readFrame(value: unknown): ServerFrame {
  const name = (value as { t?: unknown } | null)?.t;
  const check = typeof name === "string" && Object.hasOwn(FRAMES, name) ? FRAMES[name] : undefined;
  if (!check?.(value)) throw new FrameError("not a frame of the server's");
  return value as ServerFrame;
}
