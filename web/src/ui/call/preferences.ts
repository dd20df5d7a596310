/** What a person chose for calls on this device: kept by the browser, and nothing about anybody else. */

export type Preferences = {
  readonly microphoneOn: boolean;
  readonly cameraOn: boolean;
  /** Ids that the browser made for this site; null: its own choice. */
  readonly microphone: string | null;
  readonly camera: string | null;
  readonly speaker: string | null;
  readonly blur: boolean;
  /** Single letters do something in a call. */
  readonly letters: boolean;
};

const KEY = "collegium-call";
/** Browsers give ids of 64 characters; what is much longer was not written here. */
const MAX_ID = 256;
const MAX_TEXT = 2_000;

const USUAL: Preferences = {
  microphoneOn: true,
  cameraOn: true,
  microphone: null,
  camera: null,
  speaker: null,
  blur: false,
  letters: true,
};

type Store = Pick<Storage, "getItem" | "setItem">;

/** Whatever stands there: each part of it that is not as it should be is as usual. */
export function readPreferences(store: Store): Preferences {
  const text = store.getItem(KEY);
  if (text === null || text.length > MAX_TEXT) return USUAL;
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return USUAL; // a former version's, or somebody's hand: the person chooses anew
  }
  if (typeof found !== "object" || found === null) return USUAL;
  const given = found as Record<string, unknown>;
  const flag = (name: keyof Preferences): boolean =>
    typeof given[name] === "boolean" ? given[name] : (USUAL[name] as boolean);
  const id = (name: keyof Preferences): string | null => {
    const value = given[name];
    return typeof value === "string" && value !== "" && value.length <= MAX_ID ? value : null;
  };
  return {
    microphoneOn: flag("microphoneOn"),
    cameraOn: flag("cameraOn"),
    microphone: id("microphone"),
    camera: id("camera"),
    speaker: id("speaker"),
    blur: flag("blur"),
    letters: flag("letters"),
  };
}

export function keepPreferences(store: Store, preferences: Preferences): void {
  store.setItem(KEY, JSON.stringify(preferences));
}
