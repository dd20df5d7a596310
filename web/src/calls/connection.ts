/**
 * One participant's connection to the forwarding unit. The unit offers, this answers: the first four sections are what
 * we send (audio, camera, screen, screen audio), the others what we receive (PROTOCOL.md, "Calls").
 */

import { KINDS, type Kind } from "../sframe/kid";
import type { FromMedia, Refusal, ToMedia } from "../sframe/lines";
import { INSERTABLE, setTransform } from "./transforms";

/** What the unit offers on a section: whose it is, by the server's word. The worker shows nobody else's there. */
export type Section = { readonly mid: string; readonly device: string; readonly kind: Kind };

export type Offer = {
  readonly seq: number;
  /** It begins a new connection. */
  readonly fresh: boolean;
  readonly sdp: string;
  readonly streams: readonly Section[];
};

/** Something that is received. `heard` once frames of this device opened on it, by the key they were sealed with. */
export type Incoming = Section & {
  readonly track: MediaStreamTrack;
  readonly heard: boolean;
  readonly refused: { readonly why: Refusal; readonly who: string | null } | null;
};

export type ConnectionEvents = {
  incoming(all: readonly Incoming[]): void;
  /** ICE and DTLS, as the browser has it. */
  state(state: RTCPeerConnectionState): void;
  /** Whether anything may leave: there is a key, and no hold (E14, E19). */
  sending(on: boolean): void;
};

/** Of the camera, by layer. The unit picks one for each receiver. */
const CAMERA_LAYERS: readonly Pick<
  RTCRtpEncodingParameters,
  "rid" | "scaleResolutionDownBy" | "maxBitrate"
>[] = [
  { rid: "l", scaleResolutionDownBy: 4, maxBitrate: 120_000 },
  { rid: "m", scaleResolutionDownBy: 2, maxBitrate: 350_000 },
  { rid: "h", scaleResolutionDownBy: 1, maxBitrate: 1_200_000 },
];
/** A screen is read, so it is sent whole or not at all: the unit forwards no smaller one. */
const SCREEN_LAYERS: readonly Pick<RTCRtpEncodingParameters, "rid" | "active" | "maxBitrate">[] = [
  { rid: "l", active: false },
  { rid: "h", active: true, maxBitrate: 1_500_000 },
];

export class CallConnection {
  readonly #worker: Worker;
  readonly #events: ConnectionEvents;
  readonly #servers: () => readonly RTCIceServer[];
  #peer: RTCPeerConnection | null = null;
  /** Names transforms: never one twice, over all connections of this page. */
  #life = 0;
  #senders = new Map<Kind, RTCRtpSender>();
  readonly #tracks = new Map<Kind, MediaStreamTrack>();
  #incoming = new Map<string, Incoming>();
  /** Those that have their transform. */
  readonly #adopted = new WeakSet<RTCRtpReceiver>();
  /** Offers are answered one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(worker: Worker, servers: () => readonly RTCIceServer[], events: ConnectionEvents) {
    this.#worker = worker;
    this.#servers = servers;
    this.#events = events;
    worker.addEventListener("message", this.#fromMedia);
  }

  /** The SDP answer. @throws DOMException when the browser finds the offer wrong */
  answer(offer: Offer): Promise<string> {
    const answered = this.#turn.then(() => this.#answer(offer));
    this.#turn = answered.catch(() => undefined); // whoever asked is told; the next offer is another one
    return answered;
  }

  async #answer({ fresh, sdp, streams }: Offer): Promise<string> {
    if (this.#closed) throw new DOMException("the call is over", "InvalidStateError");
    const peer = fresh || this.#peer === null ? this.#begin() : this.#peer;
    // Said before the offer is taken: no frame of a section is shown as somebody's who it is not.
    const sections = new Map(streams.map((section) => [section.mid, section]));
    for (const known of this.#incoming.values()) this.#relabel(known, sections.get(known.mid) ?? null);
    for (const section of streams) this.#expect(section, section.device);
    await peer.setRemoteDescription({ type: "offer", sdp });
    // From here to the end of `#adopt` nothing is waited for (see transforms.ts).
    this.#adopt(peer, sections);
    const answer = await peer.createAnswer();
    await peer.setLocalDescription(answer);
    await this.#shape();
    return peer.localDescription?.sdp ?? answer.sdp ?? "";
  }

  #begin(): RTCPeerConnection {
    this.#drop();
    this.#life += 1;
    const peer = new RTCPeerConnection({
      ...INSERTABLE,
      bundlePolicy: "max-bundle",
      iceServers: [...this.#servers()],
    });
    peer.addEventListener("connectionstatechange", () => {
      if (peer === this.#peer) this.#events.state(peer.connectionState);
    });
    this.#peer = peer;
    return peer;
  }

  /** Whatever sections the offer brought: sent on by us or received, each with its transform before anything else. */
  #adopt(peer: RTCPeerConnection, sections: ReadonlyMap<string, Section>): void {
    const incoming = new Map<string, Incoming>();
    peer.getTransceivers().forEach((transceiver, index) => {
      const { mid } = transceiver;
      if (mid === null) return;
      const own = KINDS[index];
      if (own !== undefined) {
        if (!this.#senders.has(own)) this.#send(transceiver, own);
        return;
      }
      const section = sections.get(mid);
      if (section === undefined) return;
      incoming.set(mid, this.#receive(transceiver, section));
    });
    this.#incoming = incoming;
    this.#told();
  }

  #send(transceiver: RTCRtpTransceiver, kind: Kind): void {
    const { sender } = transceiver;
    setTransform(sender, this.#worker, { side: "send", id: this.#name(`send/${kind}`), media: kind });
    transceiver.direction = "sendonly";
    this.#senders.set(kind, sender);
    const track = this.#tracks.get(kind);
    if (track !== undefined) void sender.replaceTrack(track);
  }

  /** What the worker tells from now on is about the new label. */
  #relabel(known: Incoming, section: Section | null): void {
    if (section === null) this.#expect(known, null);
    else if (section.device !== known.device || section.kind !== known.kind) {
      this.#incoming.set(known.mid, { ...section, track: known.track, heard: false, refused: null });
    }
  }

  #receive({ receiver }: RTCRtpTransceiver, section: Section): Incoming {
    if (!this.#adopted.has(receiver)) {
      this.#adopted.add(receiver);
      setTransform(receiver, this.#worker, { side: "receive", id: this.#name(section.mid) });
    }
    const known = this.#incoming.get(section.mid);
    return known ?? { ...section, track: receiver.track, heard: false, refused: null };
  }

  #name(of: string): string {
    return `${this.#life}/${of}`;
  }

  #expect({ mid, kind }: Section, who: string | null): void {
    this.#say({ kind: "expect", id: this.#name(mid), who, media: kind });
  }

  #say(message: ToMedia): void {
    this.#worker.postMessage(message);
  }

  /** Layers and rates of what is sent; the browser forgets them when it is negotiated anew. */
  async #shape(): Promise<void> {
    for (const [kind, layers] of [
      ["camera", CAMERA_LAYERS],
      ["screen", SCREEN_LAYERS],
    ] as const) {
      const sender = this.#senders.get(kind);
      if (sender !== undefined) await setEncodings(sender, layers);
    }
  }

  /** Send this from now on, or nothing of this kind. */
  async setTrack(kind: Kind, track: MediaStreamTrack | null): Promise<void> {
    if (track === null) this.#tracks.delete(kind);
    else this.#tracks.set(kind, track);
    await this.#senders.get(kind)?.replaceTrack(track);
  }

  /** How loud each device is now, 0 to 1, as its sender says in every packet (RFC 6464): what nobody hears is not in it. */
  levels(): ReadonlyMap<string, number> {
    const levels = new Map<string, number>();
    const receivers = new Map(this.#peer?.getReceivers().map((one) => [one.track, one]) ?? []);
    for (const { device, kind, heard, track } of this.#incoming.values()) {
      if (kind !== "audio" || !heard) continue;
      levels.set(device, receivers.get(track)?.getSynchronizationSources()[0]?.audioLevel ?? 0);
    }
    return levels;
  }

  /** Of the present connection, to read: statistics, candidates. */
  get peer(): RTCPeerConnection | null {
    return this.#peer;
  }

  readonly #fromMedia = ({ data }: MessageEvent<FromMedia>): void => {
    if (data.kind === "sending") {
      this.#events.sending(data.on);
      return;
    }
    const mid = data.id.slice(data.id.indexOf("/") + 1);
    const known = this.#incoming.get(mid);
    if (known === undefined || data.id !== this.#name(mid)) return;
    const next =
      data.kind === "heard"
        ? { ...known, heard: true, refused: null }
        : { ...known, heard: false, refused: { why: data.why, who: data.who } };
    this.#incoming.set(mid, next);
    this.#told();
  };

  #told(): void {
    this.#events.incoming([...this.#incoming.values()]);
  }

  #drop(): void {
    for (const mid of this.#incoming.keys()) this.#say({ kind: "gone", id: this.#name(mid) });
    for (const kind of this.#senders.keys()) this.#say({ kind: "gone", id: this.#name(`send/${kind}`) });
    this.#peer?.close();
    this.#peer = null;
    this.#senders = new Map();
    this.#incoming = new Map();
  }

  close(): void {
    this.#closed = true;
    this.#worker.removeEventListener("message", this.#fromMedia);
    this.#drop();
  }
}

async function setEncodings(
  sender: RTCRtpSender,
  layers: readonly Partial<RTCRtpEncodingParameters>[],
): Promise<void> {
  const parameters = sender.getParameters();
  for (const encoding of parameters.encodings ?? []) {
    Object.assign(encoding, layers.find(({ rid }) => rid === encoding.rid) ?? {});
  }
  await sender.setParameters(parameters);
}
