import type {
  Ack,
  Bye,
  CallEnded,
  CallOffer,
  CallReport,
  CallState,
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
  Woken,
} from "../wire/generated";
import { bytes, type Check, fields, flag, list, maybe, number, oneOf, position, real, text } from "./shape";

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
  | Refused
  | CallState;
export type ServerFrame = RoomFrame | CallOffer | CallEnded | CallReport | Woken | Ready | Pong | Bye;

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
const MAX_SEATS = 16;
const MAX_SECTIONS = 64;
const mid = text(3);
const layers = list(fields({ mid, layer: oneOf("none", "l", "m", "h") }), MAX_SECTIONS);
const share = real(0, 1);
const rate = real(0, Number.MAX_VALUE);

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
  call_state: fields({
    t: t("call_state"),
    room: id,
    call: maybe(id),
    since: maybe(number),
    participants: list(
      fields({ device: id, session: id, since: number, state: oneOf("joining", "here", "silent") }),
      MAX_SEATS,
    ),
  }),
  call_offer: fields({
    t: t("call_offer"),
    room: id,
    session: id,
    seq: number,
    fresh: flag,
    sdp: text(64 * 1024),
    streams: list(
      fields({ mid, device: id, kind: oneOf("audio", "camera", "screen", "screen_audio") }),
      MAX_SECTIONS,
    ),
  }),
  call_ended: fields({ t: t("call_ended"), room: id, session: id, code: text(40) }),
  call_report: fields({
    t: t("call_report"),
    room: id,
    participants: list(
      fields({
        device: id,
        round_trip_ms: maybe(rate),
        loss_up: share,
        loss_down: share,
        kbps_up: rate,
        kbps_down: rate,
        loudness: real(0, 127),
        layers,
      }),
      MAX_SEATS,
    ),
  }),
  woken: fields({ t: t("woken"), room: id, ring: id, devices }),
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
