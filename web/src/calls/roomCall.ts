/**
 * One tab in one call: the engine's word, the connection to the forwarding unit, and what this person sends. Everything
 * that is shown of it is in `state`, made anew whenever something changed.
 */

import type { CallMessage, IceServer } from "../engine/callApi";
import type { Connected } from "../engine/client";
import type { Kind } from "../sframe/kid";
import { CallConnection, type Incoming } from "./connection";
import { openCamera, openMicrophone, openScreen, SourceError } from "./devices";
import { type Layer, layerFor } from "./layers";
import { NOTHING, type Steady, steady } from "./steady";

/** A path that is gone for so long is asked for anew, and again after each of these waits (ms). */
const RESTART_AFTER_MS = 3_000;
const RESTART_EVERY_MS = 6_000;
/** Tiles change while a window is dragged. */
const LAYERS_EVERY_MS = 250;

export type RoomCallState = {
  readonly incoming: readonly Incoming[];
  /** connecting: not yet; on; restoring: it was on, and its path is being found again. */
  readonly path: "connecting" | "on" | "restoring";
  /** There are keys, and nobody is leaving: what is on is sent. */
  readonly sending: boolean;
  readonly microphone: MediaStreamTrack | null;
  /** The microphone is there, and silent. */
  readonly muted: boolean;
  readonly camera: MediaStreamTrack | null;
  readonly screen: MediaStreamTrack | null;
  readonly problem: SourceError | null;
  /** Why it is over: the code of CallMessage. */
  readonly ended: string | null;
};

export type Tools = {
  readonly connected: Pick<Connected, "engine" | "onCall">;
  readonly worker: Worker;
  readonly show: (state: RoomCallState) => void;
};

export class RoomCall {
  readonly #tools: Tools;
  readonly #connection: CallConnection;
  readonly #unhear: () => void;
  #servers: readonly IceServer[] = [];
  #state: RoomCallState = {
    incoming: [],
    path: "connecting",
    sending: false,
    microphone: null,
    muted: false,
    camera: null,
    screen: null,
    problem: null,
    ended: null,
  };
  #restart: ReturnType<typeof setTimeout> | undefined;
  readonly #heights = new Map<string, number>();
  readonly #layers = new Map<string, Layer>();
  #layersTimer: ReturnType<typeof setTimeout> | undefined;
  #steady: Steady = NOTHING;
  #steadyTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#connection = new CallConnection(tools.worker, () => this.#iceServers(), {
      incoming: (incoming) => this.#came(incoming),
      state: (state) => this.#path(state),
      sending: (sending) => this.#set({ sending }),
    });
    this.#unhear = tools.connected.onCall((message) => void this.#hear(message));
    addEventListener("online", this.#hurry);
  }

  get state(): RoomCallState {
    return this.#state;
  }

  #set(part: Partial<RoomCallState>): void {
    this.#state = { ...this.#state, ...part };
    this.#tools.show(this.#state);
  }

  #iceServers(): readonly RTCIceServer[] {
    return this.#servers.map(({ urls, username, credential }) => ({ urls: [...urls], username, credential }));
  }

  /** Into the room's call, with what was chosen before. @throws Refused */
  async enter(
    roomId: string,
    microphone: MediaStreamTrack | null,
    camera: MediaStreamTrack | null,
  ): Promise<void> {
    const { engine } = this.#tools.connected;
    // Before anything is waited for: what the person turns on or off meanwhile is not undone.
    await Promise.all([this.#use("audio", "microphone", microphone), this.#use("camera", "camera", camera)]);
    this.#servers = await engine.iceServers();
    const { port1, port2 } = new MessageChannel();
    this.#tools.worker.postMessage({ kind: "keys", port: port1 }, [port1]);
    await engine.enterCall({ roomId, keys: port2 });
  }

  async #hear(message: CallMessage): Promise<void> {
    if (message.kind === "ended") {
      this.#end(message.code);
      return;
    }
    const { session, seq, fresh } = message;
    // A new connection: the unit has heard of no sizes on it.
    if (fresh) this.#layers.clear();
    try {
      const sdp = await this.#connection.answer(message);
      await this.#tools.connected.engine.callAnswer({ session, seq, sdp });
      this.#say();
    } catch (error) {
      // An offer that cannot be answered is made anew when the path is asked for again.
      if (this.#state.ended === null) console.error("an offer could not be answered", error);
    }
  }

  // What comes

  #came(all: readonly Incoming[]): void {
    const now = performance.now();
    this.#steady = steady(this.#steady, all, now);
    const { shown: incoming, alarms, due } = this.#steady;
    for (const { device, refused } of alarms) {
      if (refused === null) continue;
      const { who } = refused;
      // Of what has another kind it is not known whose it is: bytes that were never encrypted can look like that.
      const why = refused.why === "swapped" && who === null ? "forged" : refused.why;
      this.#ask(this.#tools.connected.engine.callRefused({ deviceId: device, why, reallyBy: who }));
    }
    clearTimeout(this.#steadyTimer);
    if (due !== null) this.#steadyTimer = setTimeout(() => this.#came(all), Math.max(0, due - now));
    // Under a new label a section is another one.
    const before = this.#state.incoming;
    const isSame = (one: Incoming, mid: string): boolean =>
      one.mid === mid && one.device === before.find((known) => known.mid === mid)?.device;
    for (const mid of this.#layers.keys()) {
      if (!incoming.some((one) => isSame(one, mid))) this.#layers.delete(mid);
    }
    this.#set({ incoming });
    this.#wantLayers();
  }

  /** How large a received picture is shown: its height in device pixels; 0 when it is not to be seen. */
  shown(mid: string, height: number): void {
    this.#heights.set(mid, height);
    this.#wantLayers();
  }

  /** How loud each of the others is now, 0 to 1, by device. */
  levels(): ReadonlyMap<string, number> {
    return this.#connection.levels();
  }

  #wantLayers(): void {
    this.#layersTimer ??= setTimeout(() => {
      this.#layersTimer = undefined;
      const wanted: { mid: string; layer: Layer }[] = [];
      for (const { mid, kind } of this.#state.incoming) {
        if (kind !== "camera" && kind !== "screen") continue;
        const before = this.#layers.get(mid) ?? "none";
        const layer = layerFor(this.#heights.get(mid) ?? 0, before);
        if (layer !== before) wanted.push({ mid, layer });
        this.#layers.set(mid, layer);
      }
      if (wanted.length > 0) this.#ask(this.#tools.connected.engine.callLayers(wanted));
    }, LAYERS_EVERY_MS);
  }

  // The path

  #path(state: RTCPeerConnectionState): void {
    if (state === "connected") {
      clearTimeout(this.#restart);
      this.#restart = undefined;
      this.#set({ path: "on" });
    } else if (state === "disconnected" || state === "failed") {
      if (this.#state.path === "on") this.#set({ path: "restoring" });
      this.#restartAfter(state === "failed" ? 0 : RESTART_AFTER_MS);
    }
  }

  #restartAfter(wait: number): void {
    clearTimeout(this.#restart);
    this.#restart = setTimeout(() => {
      if (this.#state.ended !== null || this.#state.path === "on") return;
      this.#ask(this.#tools.connected.engine.callRestart());
      this.#restartAfter(RESTART_EVERY_MS);
    }, wait);
  }

  /** The network is back, perhaps another one. */
  readonly #hurry = (): void => {
    if (this.#state.path !== "on") this.#restartAfter(0);
  };

  /** What is lost on its way while the connection is away is asked for again by what follows. */
  #ask(call: Promise<unknown>): void {
    call.catch((error: unknown) => {
      if (this.#state.ended === null) console.warn("the engine did not take it", error);
    });
  }

  // What is sent

  async #use(kind: Kind, source: "microphone" | "camera" | "screen", track: MediaStreamTrack | null) {
    const before = this.#state[source];
    if (before !== null && before !== track) before.stop();
    track?.addEventListener("ended", () => this.#lost(kind, source, track), { once: true });
    this.#set({ [source]: track });
    await this.#connection.setTrack(kind, track);
  }

  /** Unplugged, or ended by the browser's own button. */
  #lost(kind: Kind, source: "microphone" | "camera" | "screen", track: MediaStreamTrack): void {
    if (this.#state[source] !== track) return;
    if (source !== "screen") this.#set({ problem: new SourceError(source, "missing") });
    void this.#use(kind, source, null).then(() => this.#say());
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#set({ problem: null });
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      this.#set({ problem: error });
    }
    this.#say();
  }

  /** Tell the others what is on; the core says it again to whoever comes. */
  #say(): void {
    const { microphone, muted, camera, screen, ended } = this.#state;
    if (ended !== null) return;
    const on = { mic: microphone !== null && !muted, camera: camera !== null, screen: screen !== null };
    this.#ask(this.#tools.connected.engine.callMedia(on));
  }

  /** Heard, or not. The microphone stays open while it is silent, so that a word is not cut off when it is on again. */
  setMuted(muted: boolean): void {
    const { microphone } = this.#state;
    if (microphone !== null) microphone.enabled = !muted;
    this.#set({ muted });
    this.#say();
  }

  chooseMicrophone(id: string | null): Promise<void> {
    return this.#try(async () => {
      const track = await openMicrophone(id);
      track.enabled = !this.#state.muted;
      await this.#use("audio", "microphone", track);
    });
  }

  /** @param id the camera; null: the browser's choice */
  openCamera(id: string | null): Promise<void> {
    return this.#try(async () => this.#use("camera", "camera", await openCamera(id)));
  }

  closeCamera(): Promise<void> {
    return this.#try(() => this.#use("camera", "camera", null));
  }

  shareScreen(): Promise<void> {
    return this.#try(async () => {
      const { picture, sound } = await openScreen();
      await this.#use("screen", "screen", picture);
      await this.#connection.setTrack("screen_audio", sound);
      picture.addEventListener("ended", () => sound?.stop(), { once: true });
    });
  }

  stopSharing(): Promise<void> {
    return this.#try(async () => {
      await this.#connection.setTrack("screen_audio", null);
      await this.#use("screen", "screen", null);
    });
  }

  // The end

  async leave(): Promise<void> {
    if (this.#state.ended !== null) return;
    await this.#tools.connected.engine.leaveCall().catch((error: unknown) => console.warn("leaving", error));
    this.#end("left");
  }

  /** It did not come about: nothing is left of it. */
  abandon(): void {
    this.#end("left");
  }

  #end(code: string): void {
    if (this.#state.ended !== null) return;
    clearTimeout(this.#restart);
    clearTimeout(this.#layersTimer);
    clearTimeout(this.#steadyTimer);
    removeEventListener("online", this.#hurry);
    this.#unhear();
    this.#connection.close();
    for (const track of [this.#state.microphone, this.#state.camera, this.#state.screen]) track?.stop();
    this.#tools.worker.terminate();
    this.#set({ incoming: [], microphone: null, camera: null, screen: null, sending: false, ended: code });
  }
}
