import type { Incoming } from "../../../src/calls/connection";
import { SourceError } from "../../../src/calls/devices";
import type { RoomCallState } from "../../../src/calls/roomCall";
import type { CallView, Participant } from "../../../src/engine/callApi";
import { type CallControls, calling } from "../../../src/ui/call/call.svelte";
import { anna, ben, carla, dov, inRoom, me, NOW } from "./scenes";
import type { Script } from "./scriptedEngine";

/** The page before a call and the call itself, in every state. What cameras would show is drawn here. */

const ROOM = "room-1";
const PATH = `/room/${ROOM}/call`;
const MINUTE = 60_000;

const EVERYBODY = [
  ["acc-me", me.name],
  ["acc-anna", anna.name],
  ["acc-ben", ben.name],
  ["acc-carla", carla.name],
  ["acc-dov", dov.name],
  ["acc-6", "Prof. Elif Yıldırım-Hohenstaufen"],
  ["acc-7", "Farid Haddad"],
  ["acc-8", "Grace Mbeki"],
  ["acc-9", "Hanna Lindqvist"],
  ["acc-10", "Ivo"],
  ["acc-11", "Jun Tanaka"],
  ["acc-12", "Katarzyna Wiśniewska"],
] as const;

function participant(index: number, more: Partial<Participant> = {}): Participant {
  const [accountId, name] = EVERYBODY[index]!;
  return {
    accountId,
    deviceId: `device-${index}`,
    name,
    mine: index === 0,
    here: index === 0,
    state: "here",
    since: NOW - 20 * MINUTE + index,
    hand: null,
    reaction: null,
    mic: index % 3 !== 2,
    camera: index % 4 !== 3,
    screen: false,
    quality: index % 5 === 4 ? "fair" : "good",
    verified: false,
    ...more,
  };
}

const some = (count: number): Participant[] =>
  Array.from({ length: count }, (_, index) => participant(index));

const call = (participants: readonly Participant[], more: Partial<CallView> = {}): CallView => ({
  roomId: ROOM,
  title: "Thursday circle",
  sitting: "sitting",
  since: NOW - 20 * MINUTE,
  participants,
  part: "in",
  thisTab: true,
  ...more,
});

const inCall = (view: CallView, path = PATH): Script =>
  inRoom({ call: view }, { call: view.part === "out" ? null : view }, path);

// Pictures

/** Somebody before a wall: enough to see how a tile cuts a picture. */
function camera(index: number): MediaStreamTrack {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
  const hue = (index * 53) % 360;
  const paint = canvas.getContext("2d")!;
  const [track] = canvas.captureStream(2).getVideoTracks();
  const draw = (): void => {
    paint.fillStyle = `hsl(${hue} 25% 62%)`;
    paint.fillRect(0, 0, 640, 360);
    paint.fillStyle = `hsl(${hue} 30% 45%)`;
    paint.fillRect(430, 40, 150, 190);
    paint.fillStyle = `hsl(${(hue + 180) % 360} 30% 30%)`;
    paint.beginPath();
    paint.ellipse(320, 390, 160, 130, 0, 0, 7);
    paint.fill();
    paint.fillStyle = "hsl(28 40% 68%)";
    paint.beginPath();
    paint.ellipse(320, 190, 68, 86, 0, 0, 7);
    paint.fill();
  };
  draw();
  setInterval(draw, 500);
  return track!;
}

function slides(): MediaStreamTrack {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 800 });
  const paint = canvas.getContext("2d")!;
  const [track] = canvas.captureStream(2).getVideoTracks();
  const draw = (): void => {
    paint.fillStyle = "#fffdf8";
    paint.fillRect(0, 0, 1280, 800);
    paint.fillStyle = "#1f5d50";
    paint.font = "64px serif";
    paint.fillText("Where do we go in circles?", 90, 160);
    paint.fillStyle = "#22302b";
    paint.font = "38px sans-serif";
    ["What happened since the autumn", "What I tried", "What I notice in myself"].forEach((line, index) => {
      paint.fillText(`•  ${line}`, 110, 290 + index * 90);
    });
  };
  draw();
  setInterval(draw, 500);
  return track!;
}

const silence = (): MediaStreamTrack =>
  new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0]!;

// The media of a scene

type Scene = {
  readonly people: readonly Participant[];
  readonly speaking?: readonly string[];
  readonly refused?: string;
  readonly media?: Partial<RoomCallState>;
};

function incomingOf({ people, refused }: Scene): Incoming[] {
  return people
    .filter(({ here, camera: on, screen }) => !here && (on || screen))
    .flatMap(({ deviceId, camera: on, screen }) => {
      const of = (kind: "camera" | "screen", track: MediaStreamTrack): Incoming => ({
        mid: `${kind}-${deviceId}`,
        device: deviceId,
        kind,
        track,
        heard: refused !== deviceId,
        refused: refused === deviceId ? { why: "swapped", who: null } : null,
      });
      const index = Number(deviceId.slice("device-".length));
      return [...(on ? [of("camera", camera(index))] : []), ...(screen ? [of("screen", slides())] : [])];
    });
}

/** A call whose media is on, as far as the interface can tell. */
function begin(scene: Scene): void {
  let state: RoomCallState = {
    incoming: incomingOf(scene),
    path: "on",
    sending: true,
    microphone: silence(),
    muted: false,
    camera: camera(0),
    screen: null,
    problem: null,
    ended: null,
    ...scene.media,
  };
  const show = (part: Partial<RoomCallState>): void => {
    state = { ...state, ...part };
    calling.show(ROOM, state);
  };
  const controls: CallControls = {
    setMuted: (muted) => show({ muted }),
    chooseMicrophone: async () => undefined,
    openCamera: async () => show({ camera: camera(0) }),
    closeCamera: async () => show({ camera: null }),
    shareScreen: async () => show({ screen: slides() }),
    stopSharing: async () => show({ screen: null }),
    shown: () => undefined,
    levels: () => new Map((scene.speaking ?? []).map((device) => [device, 0.3])),
    leave: async () => show({ ended: "left" }),
  };
  calling.begin(ROOM, controls, state);
}

const refuse = (name: string): void => {
  navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException("no", name);
  };
};

const two = some(2);
const lively = [
  participant(0, { hand: NOW - 1000 }),
  participant(1, { verified: true, quality: "good" }),
  participant(2, { hand: NOW - 9000, mic: false, verified: true }),
  participant(3, { reaction: "👏", quality: "poor", camera: true }),
  participant(4, { state: "joining", camera: false, mic: false, quality: null }),
];
const shares = (count: number): Participant[] =>
  some(count).map((one, index) => (index === 1 ? { ...one, screen: true } : one));

const ENDS = [
  "left",
  "replaced",
  "removed",
  "full",
  "lost",
  "media_unavailable",
  "locked",
  "restart",
  "storage",
];

type Act = readonly [Script, () => void];
const acts: Readonly<Record<string, Act>> = {
  "call-before": [inCall(call([], { part: "out" })), () => undefined],
  "call-before-others": [inCall(call(some(4).slice(1), { part: "out" })), () => undefined],
  "call-before-denied": [inCall(call([], { part: "out" })), () => refuse("NotAllowedError")],
  "call-before-missing": [inCall(call([], { part: "out" })), () => refuse("NotFoundError")],
  "call-before-busy": [inCall(call([], { part: "out" })), () => refuse("NotReadableError")],
  "call-before-off": [
    inCall(call([], { part: "out" })),
    () => calling.prefer({ cameraOn: false, microphoneOn: false }),
  ],
  "call-before-devices": [{ ...inCall(call([], { part: "out" })), press: ["Devices"] }, () => undefined],
  "call-before-offline": [inRoom({ call: null }, { connection: "offline" }, PATH), () => undefined],
  "call-before-other-tab": [inCall(call(two, { thisTab: false })), () => undefined],
  "call-before-other-device": [
    inCall(call([participant(0, { here: false }), participant(1)], { part: "out" })),
    () => undefined,
  ],
  "call-before-unable": [
    inCall(call([], { part: "out" })),
    () => {
      Reflect.deleteProperty(RTCRtpSender.prototype, "createEncodedStreams");
      Reflect.deleteProperty(globalThis, "RTCRtpScriptTransform");
    },
  ],
  ...Object.fromEntries(
    [1, 2, 3, 4, 6, 9, 12].map((count): [string, Act] => [
      `call-${count}`,
      [inCall(call(some(count))), () => begin({ people: some(count), speaking: ["device-1"] })],
    ]),
  ),
  "call-lively": [inCall(call(lively)), () => begin({ people: lively, speaking: ["device-1"] })],
  "call-screen": [inCall(call(shares(3))), () => begin({ people: shares(3) })],
  "call-screen-12": [inCall(call(shares(12))), () => begin({ people: shares(12) })],
  "call-sharing": [inCall(call(two)), () => begin({ people: two, media: { screen: slides() } })],
  "call-refused": [inCall(call(some(3))), () => begin({ people: some(3), refused: "device-1" })],
  "call-muted": [inCall(call(two)), () => begin({ people: two, media: { muted: true, camera: null } })],
  "call-problem": [
    inCall(call(two)),
    () => begin({ people: two, media: { camera: null, problem: new SourceError("camera", "busy") } }),
  ],
  "call-reconnecting": [
    inCall(call(some(3), { part: "reconnecting" })),
    () => begin({ people: some(3), media: { path: "restoring" } }),
  ],
  "call-held": [
    inCall(call(some(3), { part: "held" })),
    () => begin({ people: some(3), media: { sending: false } }),
  ],
  "call-entering": [
    inCall(call(some(1), { part: "entering" })),
    () => begin({ people: some(1), media: { path: "connecting", sending: false } }),
  ],
  "call-stuck": [
    inCall(call(some(3))),
    () => {
      begin({ people: some(3), media: { path: "connecting" } });
      calling.stuck = true;
    },
  ],
  "call-silenced": [
    inCall(call(two)),
    () => {
      begin({ people: two });
      calling.silenced = true;
    },
  ],
  "call-thread": [
    { ...inCall(call(some(4))), press: ["Messages of the group"] },
    () => begin({ people: some(4), speaking: ["device-1"] }),
  ],
  "call-more": [{ ...inCall(call(two)), press: ["More"] }, () => begin({ people: two })],
  "call-react": [{ ...inCall(call(two)), press: ["React with an emoji"] }, () => begin({ people: two })],
  "call-devices": [{ ...inCall(call(two)), press: ["More", "Devices…"] }, () => begin({ people: two })],
  "call-code": [
    { ...inCall(call(two)), press: ["More", "Compare the group’s code…"] },
    () => begin({ people: two }),
  ],
  "call-keys": [{ ...inCall(call(two)), press: ["More", "Keyboard…"] }, () => begin({ people: two })],
  "call-bar": [inCall(call(two), `/room/${ROOM}`), () => begin({ people: two })],
  "call-bar-other-tab": [inCall(call(two, { thisTab: false }), `/room/${ROOM}`), () => undefined],
  "room-call": [inRoom({ call: call(some(4).slice(1), { part: "out" }) }), () => undefined],
  ...Object.fromEntries(
    ENDS.map((code): [string, Act] => [
      `call-ended-${code}`,
      [
        inCall(call([], { part: "out" })),
        () => {
          calling.ended = { roomId: ROOM, code };
        },
      ],
    ]),
  ),
};

export const callScenes: Readonly<Record<string, Script>> = Object.fromEntries(
  Object.entries(acts).map(([name, [script]]) => [name, script]),
);

/** To look at by name; the list has those that differ in more than their words or their number. */
const LISTED: ReadonlySet<string> = new Set([
  "call-before-others",
  "call-before-denied",
  "call-before-devices",
  "call-before-other-tab",
  "call-before-unable",
  "call-12",
  "call-lively",
  "call-screen",
  "call-refused",
  "call-held",
  "call-muted",
  "call-thread",
  "call-more",
  "call-devices",
  "call-code",
  "call-keys",
  "call-bar",
  "room-call",
  "call-ended-lost",
]);
export const isListed = (name: string): boolean => !(name in acts) || LISTED.has(name);

/** What happens before a scene's page is there. */
export function setStage(name: string): void {
  const act = acts[name];
  if (!act) return;
  calling.prefer({ cameraOn: true, microphoneOn: true });
  act[1]();
}
