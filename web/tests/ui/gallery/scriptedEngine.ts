import type { AppView, DeviceInfo, Engine, LinkKind, RoomView } from "../../../src/engine/api";
import type { Connected } from "../../../src/ui/session.svelte";

/** What the engine would show and answer in one scene. */
export type Script = {
  readonly app: AppView;
  readonly rooms?: readonly RoomView[];
  readonly path?: string;
  readonly link?: LinkKind;
  readonly devices?: readonly DeviceInfo[];
  /** Buttons that are pressed one after the other, by their text or label: for what opens only so. */
  readonly press?: readonly string[];
  /** Calls that are refused, with the code. */
  readonly fails?: Partial<Record<keyof Engine, string>>;
};

/** A scripted engine behind the same interface: it records calls, and answers the simple ones in its views. */
export class ScriptedEngine implements Connected {
  readonly calls: { readonly name: string; readonly argument: unknown }[] = [];
  readonly engine: Engine;
  #app: AppView;
  readonly #rooms = new Map<string, RoomView>();
  #onApp: (view: AppView) => void = () => undefined;
  #onRoom: (view: RoomView) => void = () => undefined;
  #serial = 0;

  constructor(
    readonly script: Script,
    readonly now: () => number,
  ) {
    this.#app = script.app;
    for (const view of script.rooms ?? []) this.#rooms.set(view.roomId, view);
    this.engine = new Proxy({} as Engine, {
      get: (_, name: string) => (argument: unknown) => this.#call(name as keyof Engine, argument),
    });
  }

  onApp(callback: (view: AppView) => void): void {
    this.#onApp = callback;
    callback(this.#app);
  }

  onRoom(callback: (view: RoomView) => void): void {
    this.#onRoom = callback;
  }

  onCall(): () => void {
    return () => undefined;
  }

  /** Go on to another view, as the real one does by itself. */
  show(view: AppView): void {
    this.#app = view;
    this.#onApp(view);
  }

  showRoom(view: RoomView): void {
    this.#rooms.set(view.roomId, view);
    this.#onRoom(view);
  }

  room(roomId: string): RoomView {
    const view = this.#rooms.get(roomId);
    if (!view) throw Object.assign(new Error("no such room"), { code: "not_found" });
    return view;
  }

  async #call(name: keyof Engine, argument: unknown): Promise<unknown> {
    this.calls.push({ name, argument });
    await Promise.resolve();
    const refused = this.script.fails?.[name];
    if (refused) throw Object.assign(new Error(refused), { code: refused });
    switch (name) {
      case "inspectLink":
        return this.script.link ?? { kind: "refused", code: "link_unknown" };
      case "devices":
        return this.script.devices ?? [];
      case "startGroup":
        return "room-1";
      case "createInvite":
        return {
          url: `${location.origin}/join#${"Zm9yLW9uZS1wZXJzb24tb25seS1hbmQtb25jZS10b2tlbg".slice(0, 43)}.${"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"}`,
          notAfter: this.now() + 72 * 3_600_000,
        };
      case "openRoom":
        this.#onRoom(this.room(argument as string));
        return undefined;
      case "lock":
        this.show({ stage: "locked", ways: { passphrase: true, passkey: null } });
        return undefined;
      case "post":
        return this.#post(argument as Parameters<Engine["post"]>[0]);
      case "react":
        return this.#react(argument as Parameters<Engine["react"]>[0]);
      case "edit":
      case "remove":
        return this.#change(argument as { roomId: string; target: string; text?: string });
      case "meetings":
        return this.room((argument as Parameters<Engine["meetings"]>[0]).roomId).meetings;
      case "calendarFile":
        return "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n";
      case "iceServers":
        return [];
      case "rosterCode":
        return ["04823", "77190", "31556", "90042", "18837", "65201"];
      case "loadOlder":
        return this.#older(argument as string);
      default:
        return undefined;
    }
  }

  #post({ roomId, text, replyTo }: Parameters<Engine["post"]>[0]): void {
    const view = this.room(roomId);
    const app = this.#app;
    if (app.stage !== "open") return;
    const target = view.items.find((item) => item.id === replyTo);
    this.#serial++;
    this.showRoom({
      ...view,
      items: [
        ...view.items,
        {
          kind: "post",
          id: `sent-${this.#serial}`,
          n: 0,
          at: this.now(),
          author: app.me,
          mine: true,
          text,
          deleted: false,
          editedAt: null,
          replyTo:
            target?.kind === "post" ? { id: target.id, name: target.author.name, text: target.text } : null,
          reactions: [],
          delivery: "queued",
        },
      ],
    });
  }

  #react({ roomId, target, emoji, on }: Parameters<Engine["react"]>[0]): void {
    const view = this.room(roomId);
    const items = view.items.map((item) => {
      if (item.id !== target || item.kind !== "post") return item;
      const others = item.reactions.filter((one) => one.emoji !== emoji);
      const before =
        item.reactions.find((one) => one.emoji === emoji)?.who.filter((name) => name !== "You") ?? [];
      const who = on ? [...before, "You"] : before;
      return { ...item, reactions: who.length > 0 ? [...others, { emoji, who, mine: on }] : others };
    });
    this.showRoom({ ...view, items });
  }

  #change({ roomId, target, text }: { roomId: string; target: string; text?: string }): void {
    const view = this.room(roomId);
    const items = view.items.map((item) => {
      if (item.id !== target || item.kind !== "post") return item;
      return text === undefined
        ? { ...item, text: "", deleted: true, reactions: [] }
        : { ...item, text, editedAt: this.now() };
    });
    this.showRoom({ ...view, items });
  }

  #older(roomId: string): void {
    const view = this.room(roomId);
    const first = view.items[0];
    if (!first) return;
    const more = view.items.slice(0, 50).map((item, i) => {
      this.#serial++;
      return { ...item, id: `older-${this.#serial}`, n: 1, at: first.at - (50 - i) * 60_000 };
    });
    this.showRoom({ ...view, items: [...more, ...view.items], older: false });
  }
}
