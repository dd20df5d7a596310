import { RoomCall, type RoomCallState } from "../../calls/roomCall";
import { startMediaWorker } from "../../engine/workers";
import type { Session } from "../session.svelte";
import { linear, Meter } from "./level";
import { keepPreferences, type Preferences, readPreferences } from "./preferences";
import { Sound } from "./sound";
import { LISTEN_EVERY_MS, listen, SILENCE, sameSpeakers, type Voices } from "./speaking";

/** What the interface may do with the media of a call. */
export type CallControls = Pick<
  RoomCall,
  | "setMuted"
  | "chooseMicrophone"
  | "openCamera"
  | "closeCamera"
  | "shareScreen"
  | "stopSharing"
  | "shown"
  | "levels"
  | "leave"
>;

export type Chosen = {
  readonly microphone: MediaStreamTrack | null;
  readonly camera: MediaStreamTrack | null;
};

/** This device's own voice among the levels. */
export const OWN = "";
/** A way that is not found for so long is not going to be found by waiting. */
const STUCK_MS = 15_000;

/** The call that this tab is in, as reactive state. It outlives the pages of the interface. */
export class Calling {
  /** Which room's; null: none. */
  roomId = $state<string | null>(null);
  media = $state.raw<RoomCallState | null>(null);
  /** Devices of those who speak. */
  speaking = $state.raw<ReadonlySet<string>>(SILENCE.speaking);
  /** How the last one ended, until the person has seen it. */
  ended = $state.raw<{ readonly roomId: string; readonly code: string } | null>(null);
  /** The browser waits for a press before it plays anything. */
  silenced = $state(false);
  /** No way through has been found. */
  stuck = $state(false);
  /** The space bar is held. */
  talking = $state(false);
  preferences = $state.raw<Preferences>(readPreferences(localStorage));
  controls: CallControls | null = null;
  #voices: Voices = SILENCE;
  #sound: Sound | null = null;
  #meter: { readonly track: MediaStreamTrack; readonly meter: Meter } | null = null;
  #listening: ReturnType<typeof setInterval> | undefined;
  #stuckTimer: ReturnType<typeof setTimeout> | undefined;

  prefer(part: Partial<Preferences>): void {
    this.preferences = { ...this.preferences, ...part };
    keepPreferences(localStorage, this.preferences);
    if (part.speaker !== undefined) void this.#sound?.useSpeaker(part.speaker);
  }

  /** Into the room's call, after a press. @throws Refused */
  async enter(session: Session, roomId: string, { microphone, camera }: Chosen): Promise<void> {
    await this.controls?.leave();
    const call = new RoomCall({
      connected: session,
      worker: startMediaWorker(),
      show: (state) => this.show(roomId, state),
    });
    this.begin(roomId, call, call.state);
    try {
      await call.enter(roomId, microphone, camera);
    } catch (error) {
      call.abandon();
      this.ended = null;
      throw error;
    }
  }

  begin(roomId: string, controls: CallControls, state: RoomCallState): void {
    this.ended = null;
    this.roomId = roomId;
    this.controls = controls;
    this.#sound = new Sound((blocked) => {
      this.silenced = blocked;
    });
    void this.#sound.useSpeaker(this.preferences.speaker);
    this.#listening = setInterval(() => this.#listen(), LISTEN_EVERY_MS);
    this.show(roomId, state);
  }

  show(roomId: string, state: RoomCallState): void {
    if (this.roomId !== roomId) return;
    if (state.ended !== null) {
      this.#end(roomId, state.ended);
      return;
    }
    this.media = state;
    this.#sound?.play(state.incoming);
    this.#watchPath(state.path);
    this.#measure(state.muted ? null : state.microphone);
  }

  #end(roomId: string, code: string): void {
    clearInterval(this.#listening);
    this.#watchPath("on");
    this.#measure(null);
    this.#sound?.close();
    this.#sound = null;
    this.controls = null;
    this.roomId = null;
    this.media = null;
    this.#voices = SILENCE;
    this.speaking = SILENCE.speaking;
    this.silenced = false;
    this.talking = false;
    this.ended = { roomId, code };
  }

  #watchPath(path: RoomCallState["path"]): void {
    if (path === "connecting") {
      this.#stuckTimer ??= setTimeout(() => {
        this.stuck = true;
      }, STUCK_MS);
      return;
    }
    clearTimeout(this.#stuckTimer);
    this.#stuckTimer = undefined;
    this.stuck = false;
  }

  #measure(track: MediaStreamTrack | null): void {
    if (this.#meter?.track === (track ?? undefined)) return;
    this.#meter?.meter.close();
    this.#meter = track && { track, meter: new Meter(track) };
  }

  #listen(): void {
    const levels = new Map(this.controls?.levels() ?? []);
    if (this.#meter) levels.set(OWN, linear(this.#meter.meter.level));
    const before = this.#voices;
    this.#voices = listen(before, levels);
    // Levels change all the time; only who is marked is drawn.
    if (!sameSpeakers(before, this.#voices)) this.speaking = this.#voices.speaking;
  }

  /** After a press. */
  hear(): void {
    this.#sound?.again();
  }

  // What the person does

  get microphoneOn(): boolean {
    return this.media !== null && this.media.microphone !== null && !this.media.muted;
  }

  async switchMicrophone(): Promise<void> {
    const { media, controls } = this;
    if (media === null || controls === null) return;
    const on = !this.microphoneOn;
    this.talking = false;
    this.prefer({ microphoneOn: on });
    controls.setMuted(!on);
    if (on && media.microphone === null) await controls.chooseMicrophone(this.preferences.microphone);
  }

  async switchCamera(): Promise<void> {
    const { media, controls } = this;
    if (media === null || controls === null) return;
    const on = media.camera === null;
    this.prefer({ cameraOn: on });
    await (on ? controls.openCamera(this.preferences.camera) : controls.closeCamera());
  }

  async switchScreen(): Promise<void> {
    const { media, controls } = this;
    if (media === null || controls === null) return;
    await (media.screen === null ? controls.shareScreen() : controls.stopSharing());
  }

  /** Heard for as long as the space bar is held. */
  talk(on: boolean): void {
    if (on ? this.microphoneOn || !this.media?.microphone : !this.talking) return;
    this.talking = on;
    this.controls?.setMuted(!on);
  }
}

export const calling = new Calling();
