/** Camera, microphone and screen: what there is, what was chosen, and in one word why one can't be had. */

export type Source = "microphone" | "camera" | "screen";

/**
 * denied: the person or the browser said no; missing: there is none; busy: another program has it; cancelled: the person
 * closed the browser's question about a screen.
 */
export type SourceProblem = "denied" | "missing" | "busy" | "cancelled";

export class SourceError extends Error {
  constructor(
    readonly source: Source,
    readonly problem: SourceProblem,
  ) {
    super(`${source}: ${problem}`);
    this.name = "SourceError";
  }
}

export type Choice = { readonly id: string; readonly label: string };
export type Choices = {
  readonly microphones: readonly Choice[];
  readonly cameras: readonly Choice[];
  readonly speakers: readonly Choice[];
};

/** What the unit takes apart into three layers; a camera that has less gives less. */
const CAMERA: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 25, max: 30 },
};
const MICROPHONE: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
};

function problemOf(source: Source, error: unknown): SourceError {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") {
    return new SourceError(source, source === "screen" ? "cancelled" : "denied");
  }
  if (name === "NotFoundError" || name === "OverconstrainedError") return new SourceError(source, "missing");
  return new SourceError(source, "busy");
}

async function track(source: Source, get: () => Promise<MediaStream>): Promise<MediaStreamTrack> {
  try {
    const [found] = (await get()).getTracks();
    if (found === undefined) throw new SourceError(source, "missing");
    return found;
  } catch (error) {
    throw error instanceof SourceError ? error : problemOf(source, error);
  }
}

/** @param id of the one that was chosen; null, or one that is not there any more: the browser's own choice. @throws SourceError */
export function openMicrophone(id: string | null): Promise<MediaStreamTrack> {
  const audio = { ...MICROPHONE, ...(id === null ? {} : { deviceId: { ideal: id } }) };
  return track("microphone", () => navigator.mediaDevices.getUserMedia({ audio }));
}

/** @throws SourceError */
export function openCamera(id: string | null): Promise<MediaStreamTrack> {
  const video = { ...CAMERA, ...(id === null ? {} : { deviceId: { ideal: id } }) };
  return track("camera", () => navigator.mediaDevices.getUserMedia({ video }));
}

export type Screen = { readonly picture: MediaStreamTrack; readonly sound: MediaStreamTrack | null };

/** A screen or window of the person's choice, with its sound where the browser gives it. @throws SourceError */
export async function openScreen(): Promise<Screen> {
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({
      video: { frameRate: { ideal: 15, max: 30 } },
      audio: true,
    });
    const [picture] = stream.getVideoTracks();
    if (picture === undefined) throw new SourceError("screen", "missing");
    picture.contentHint = "detail";
    return { picture, sound: stream.getAudioTracks()[0] ?? null };
  } catch (error) {
    throw error instanceof SourceError ? error : problemOf("screen", error);
  }
}

/** What there is to choose from. Labels are empty until the browser was allowed to use one. */
export async function choices(): Promise<Choices> {
  const all = await navigator.mediaDevices.enumerateDevices();
  const of = (kind: MediaDeviceKind): readonly Choice[] =>
    all.filter((one) => one.kind === kind).map(({ deviceId, label }) => ({ id: deviceId, label }));
  return { microphones: of("audioinput"), cameras: of("videoinput"), speakers: of("audiooutput") };
}
