import { RoomCall, type RoomCallState } from "../../calls/roomCall";
import { startMediaWorker } from "../../engine/workers";
import type { Session } from "../session.svelte";
import { keepPreferences, type Preferences, readPreferences } from "./preferences";
import { Sound } from "./sound";

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
  | "leave"
>;

export type Chosen = {
  readonly microphone: MediaStreamTrack | null;
  readonly camera: MediaStreamTrack | null;
};

/** The call that this tab is in, as reactive state. It outlives the pages of the interface. */
export class Calling {
  /** Which room's; null: none. */
  roomId = $state<string | null>(null);
  media = $state.raw<RoomCallState | null>(null);
  /** How the last one ended, until the person has seen it. */
  ended = $state.raw<{ readonly roomId: string; readonly code: string } | null>(null);
  /** The browser waits for a press before it plays anything. */
  silenced = $state(false);
  preferences = $state.raw<Preferences>(readPreferences(localStorage));
  controls: CallControls | null = null;
  #sound: Sound | null = null;

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
    this.show(roomId, state);
  }

  show(roomId: string, state: RoomCallState): void {
    if (this.roomId !== roomId) return;
    if (state.ended !== null) {
      this.#sound?.close();
      this.#sound = null;
      this.controls = null;
      this.roomId = null;
      this.media = null;
      this.silenced = false;
      this.ended = { roomId, code: state.ended };
      return;
    }
    this.media = state;
    this.#sound?.play(state.incoming);
  }

  hear(): void {
    this.#sound?.again();
  }
}

export const calling = new Calling();
