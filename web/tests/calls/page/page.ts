/**
 * A page for tests/web/test_call_media.py: one participant's connection as it is, and in the place of the forwarding
 * unit and of everybody else an RTCPeerConnection of the same page.
 */

import { CallConnection, type Incoming, type Section } from "../../../src/calls/connection";
import { INSERTABLE, setTransform } from "../../../src/calls/transforms";
import { FrameDecryptor } from "../../../src/sframe/frameDecryptor";
import { KINDS, type Kind } from "../../../src/sframe/kid";
import type { KeysMessage } from "../../../src/sframe/lines";
import { ReceiveKeys } from "../../../src/sframe/receiveKeys";
import workerUrl from "../../../src/sframe/worker.ts?worker&url";

const LEAVES = new Map([
  [0, "ada"],
  [1, "ben"],
]);
const baseKey = (epoch: number): Uint8Array => new Uint8Array(32).fill(epoch);
const mediaOf = (kind: Kind): "audio" | "video" => (kind.endsWith("audio") ? "audio" : "video");

/** An SFrame worker, and the engine's end of its line. */
class Keys {
  readonly worker = new Worker(workerUrl, { type: "module" });
  readonly #engine: MessagePort;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.worker.postMessage({ kind: "keys", port: port1 }, [port1]);
    this.#engine = port2;
  }

  say(message: KeysMessage): void {
    this.#engine.postMessage(message);
  }

  enter(epoch: number, ownLeaf: number): void {
    this.say({ kind: "epoch", epoch: BigInt(epoch), baseKey: baseKey(epoch), ownLeaf, leaves: LEAVES });
  }
}

class Participant {
  readonly keys = new Keys();
  readonly states: string[] = [];
  incoming: readonly Incoming[] = [];
  sending = false;
  readonly connection = new CallConnection(this.keys.worker, () => [], {
    incoming: (all) => {
      this.incoming = all;
    },
    state: (state) => this.states.push(state),
    sending: (on) => {
      this.sending = on;
    },
  });
}

/** What stands for the unit: it offers, and sees what is sent as it is sent. */
class Unit {
  readonly peer: RTCPeerConnection;
  readonly seen: Record<string, { sealed: number; other: number }> = {};
  readonly #keys = new ReceiveKeys();
  #seq = 0;

  constructor(insertable: boolean) {
    this.peer = new RTCPeerConnection(insertable ? INSERTABLE : {});
    this.#keys.begin({ epoch: 1n, baseKey: baseKey(1), leaves: LEAVES, ownLeaf: 1 }, 0);
    for (const kind of KINDS) {
      const { receiver } = this.peer.addTransceiver(mediaOf(kind), { direction: "recvonly" });
      if (insertable) this.#tap(receiver, kind);
    }
  }

  /** Every frame that comes, from the first on: whether it is one that only a member can open. */
  #tap(receiver: RTCRtpReceiver, kind: Kind): void {
    const decryptor = new FrameDecryptor(kind, this.#keys);
    const counts = { sealed: 0, other: 0 };
    this.seen[kind] = counts;
    const { readable } = (
      receiver as unknown as { createEncodedStreams(): { readable: ReadableStream<{ data: ArrayBuffer }> } }
    ).createEncodedStreams();
    void readable.pipeTo(
      new WritableStream({
        async write({ data }) {
          const opened = await decryptor.decrypt(new Uint8Array(data), performance.now());
          if (typeof opened === "object" && opened.who === "ada") counts.sealed += 1;
          else if (opened !== "replay") counts.other += 1; // probes of the bandwidth are packets sent once more
        },
      }),
    );
  }

  /** Send a track on a section of its own; sealed by this worker, or as it is. */
  send(track: MediaStreamTrack, worker: Worker | null, kind: Kind): RTCRtpTransceiver {
    const transceiver = this.peer.addTransceiver(track, { direction: "sendonly" });
    if (worker !== null)
      setTransform(transceiver.sender, worker, { side: "send", id: crypto.randomUUID(), media: kind });
    return transceiver;
  }

  async offerTo({ connection }: Participant, streams: () => readonly Section[]): Promise<void> {
    await this.peer.setLocalDescription(await this.peer.createOffer());
    if (this.peer.iceGatheringState !== "complete") {
      await new Promise<void>((done) => {
        this.peer.onicegatheringstatechange = () => {
          if (this.peer.iceGatheringState === "complete") done();
        };
      });
    }
    this.#seq += 1;
    const offer = { seq: this.#seq, fresh: this.#seq === 1, sdp: this.peer.localDescription!.sdp };
    const answer = await connection.answer({ ...offer, streams: streams() });
    // It waits for no candidates of ours: the unit learns them from checks. This stand-in has to be told.
    const ours = await gathered(connection);
    await this.peer.setRemoteDescription({ type: "answer", sdp: ours ?? answer });
  }
}

/** The answer with all candidates: what the stand-in needs, and no unit does. */
async function gathered(connection: CallConnection): Promise<string | null> {
  const { peer } = connection;
  if (peer === null) return null;
  while (peer.iceGatheringState !== "complete") await new Promise((done) => setTimeout(done, 20));
  return peer.localDescription?.sdp ?? null;
}

const media = (): Promise<MediaStream> =>
  navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });

async function decoded(participant: Participant): Promise<number> {
  let frames = 0;
  for (const report of ((await participant.connection.peer?.getStats()) ?? new Map()).values()) {
    if (report.type === "inbound-rtp" && report.kind === "video") frames += report.framesDecoded ?? 0;
  }
  return frames;
}

Object.assign(globalThis, { Participant, Unit, Keys, media, decoded, ready: true });
