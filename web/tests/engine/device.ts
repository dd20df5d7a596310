import { systemRng } from "../../src/bytes/bytes";
import type {
  AppView,
  Call,
  Engine,
  FromEngine,
  GroupSummary,
  Protection,
  RoomView,
  TimelineItem,
  ToEngine,
} from "../../src/engine/api";
import type { CallMessage } from "../../src/engine/callApi";
import { CollegiumEngine } from "../../src/engine/engine";
import type { World } from "../../src/engine/world";
import { MemoryStorage } from "../vault/memoryStorage";
import type { House } from "./house";

/** One browser profile without a browser: an engine, its storage, its cookies, and what a tab sees of it. */

const WAIT_MS = 20_000;

type Open = Extract<AppView, { stage: "open" }>;
type Post = Extract<TimelineItem, { kind: "post" }>;

/** What a browser does around fetch: cookies, and the page's origin. */
class Browser {
  readonly #origin: string;
  #cookies = new Map<string, string>();
  /** The network is there. */
  online = true;
  readonly sockets = new Set<WebSocket>();
  /** Every call that was made, and every one that was answered. */
  readonly calls: string[] = [];
  readonly answered: string[] = [];
  /** The next call of this path is lost: before it reaches the server, or its answer on the way back. */
  lose: { readonly path: string; readonly what: "request" | "answer" } | null = null;
  /** No call of these paths reaches the server. */
  readonly lost = new Set<string>();
  /** Answers of this path wait for this. */
  hold: { readonly path: string; readonly until: Promise<void> } | null = null;

  constructor(origin: string) {
    this.#origin = origin;
  }

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const { pathname } = new URL(url);
    this.calls.push(`${init.method} ${pathname}`);
    const lost = this.lose?.path === pathname ? this.lose.what : null;
    if (lost) this.lose = null;
    if (!this.online || lost === "request" || this.lost.has(pathname)) throw new TypeError("offline");
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = new Headers(init.headers);
    headers.set("origin", this.#origin);
    if (cookie) headers.set("cookie", cookie);
    const answer = await fetch(url, { ...init, headers });
    this.answered.push(`${init.method} ${pathname}`);
    if (lost === "answer") throw new TypeError("offline");
    if (this.hold?.path === pathname) await this.hold.until;
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ""] = line.split(";");
      const at = pair.indexOf("=");
      this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return answer;
  };

  readonly socket = (url: string): WebSocket => {
    if (!this.online) throw new TypeError("offline");
    const made = new WebSocket(url);
    this.sockets.add(made);
    made.addEventListener("close", () => this.sockets.delete(made));
    return made;
  };

  forgetCookies(): void {
    this.#cookies.clear();
  }
}

/** The text behind # of an invite's address. */
export const linkOf = (url: string): string => url.slice(url.indexOf("#") + 1);

export class Refusal extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

/** As `postMessage` does it: a copy, with the ends of lines moved. */
function handedOver(args: unknown[]): unknown[] {
  const ports = args.flatMap((arg) =>
    Object.values(Object(arg)).filter((value) => value instanceof MessagePort),
  );
  return structuredClone(args, { transfer: ports });
}

/** One tab. */
export class Tab {
  app: AppView = { stage: "starting" };
  readonly rooms = new Map<string, RoomView>();
  readonly engine: Engine;
  /** What it was told of its call. */
  readonly heard: CallMessage[] = [];
  pushes = 0;
  readonly #calls = new Map<number, { resolve(value: unknown): void; reject(error: Refusal): void }>();
  readonly #receive: (message: ToEngine) => void;
  #next = 1;
  #changed: (() => void)[] = [];

  constructor(engine: CollegiumEngine) {
    // What crosses to a tab is cloned, as postMessage does it: it must be plain data.
    this.#receive = engine.attach((message) => this.#took(structuredClone(message)));
    this.engine = new Proxy({} as Engine, {
      get: (_, name) =>
        name === "then" ? undefined : (...args: unknown[]) => this.#send(String(name), handedOver(args)),
    });
    this.#receive({ call: "hello" });
  }

  close(): void {
    this.#receive({ call: "goodbye" });
  }

  #send(call: string, args: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#calls.set(id, { resolve, reject });
      this.#receive({ id, call, args } as Call);
    });
  }

  #took(message: FromEngine): void {
    if (message.kind === "app") {
      this.app = message.view;
      this.pushes += 1;
    } else if (message.kind === "room") this.rooms.set(message.view.roomId, message.view);
    else if (message.kind === "call") this.heard.push(message.message);
    else if (message.kind === "result") this.#calls.get(message.id)?.resolve(message.value);
    else this.#calls.get(message.id)?.reject(new Refusal(message.code));
    const waiting = this.#changed;
    this.#changed = [];
    for (const wake of waiting) wake();
  }

  /** Wait for what the views show. */
  async until<T>(what: string, look: () => T | null | undefined | false): Promise<T> {
    const deadline = Date.now() + WAIT_MS;
    for (;;) {
      const found = look();
      if (found) return found;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`waited for ${what}; the view is ${JSON.stringify(this.app)}`);
      await new Promise<void>((wake) => {
        const timer = setTimeout(wake, Math.min(left, 250));
        this.#changed.push(() => {
          clearTimeout(timer);
          wake();
        });
      });
    }
  }

  stage<S extends AppView["stage"]>(stage: S): Promise<Extract<AppView, { stage: S }>> {
    return this.until(
      stage,
      () => (this.app.stage === stage ? this.app : null) as Extract<AppView, { stage: S }> | null,
    );
  }

  get open(): Open {
    if (this.app.stage !== "open") throw new Error(`not open: ${JSON.stringify(this.app)}`);
    return this.app;
  }

  /** A group that is there, by its title. */
  group(title: string): Promise<GroupSummary> {
    return this.until(`the group ${title}`, () =>
      this.app.stage === "open" ? this.app.groups.find((one) => one.title === title) : null,
    );
  }

  posts(roomId: string): Post[] {
    return (this.rooms.get(roomId)?.items ?? []).filter((one): one is Post => one.kind === "post");
  }

  texts(roomId: string): string[] {
    return this.posts(roomId).map(({ text }) => text);
  }

  post(roomId: string, text: string): Promise<Post> {
    return this.until(`the post ${text}`, () => this.posts(roomId).find((one) => one.text === text));
  }
}

export class Device {
  readonly browser: Browser;
  readonly storage: MemoryStorage;
  /** How far this device's clock is ahead. */
  ahead = 0;
  tab!: Tab;
  #core!: CollegiumEngine;
  readonly #house: House;
  readonly #prf: Uint8Array;

  private constructor(house: House, storage: MemoryStorage, prf: Uint8Array) {
    this.#house = house;
    this.storage = storage;
    this.#prf = prf;
    this.browser = new Browser(house.origin);
  }

  static async fresh(house: House): Promise<Device> {
    const device = new Device(house, new MemoryStorage(), systemRng(32));
    await device.start();
    return device;
  }

  /** Another engine on a copy of this device's disk. */
  async clone(storage = this.storage.copy()): Promise<Device> {
    const device = new Device(this.#house, storage, this.#prf);
    await device.start();
    return device;
  }

  get protection(): Protection {
    return { kind: "passkey", prf: this.#prf.slice(), credentialId: "a-credential", registration: null };
  }

  get engine(): Engine {
    return this.tab.engine;
  }

  async start(): Promise<void> {
    this.#core = new CollegiumEngine(this.world);
    this.tab = new Tab(this.#core);
    await this.#core.start();
  }

  secondTab(): Tab {
    return new Tab(this.#core);
  }

  /** The worker ends, as when the last tab is closed; a new one comes with the next tab. */
  async reload(): Promise<void> {
    await this.#core.stop();
    await this.start();
  }

  stop(): Promise<void> {
    return this.#core.stop();
  }

  /** The network goes, or comes back. */
  network(online: boolean): void {
    this.browser.online = online;
    if (online) for (const hurry of this.#onOnline) hurry();
    else for (const socket of this.browser.sockets) socket.close();
  }

  readonly #onOnline = new Set<() => void>();

  /** What the engine has of the outside. */
  get world(): World {
    const { browser, storage } = this;
    return {
      origin: this.#house.origin,
      rng: systemRng,
      now: () => Date.now() + this.ahead,
      fetch: browser.fetch,
      socket: browser.socket,
      storage: storage.open,
      onOnline: (hurry) => {
        this.#onOnline.add(hurry);
        return () => this.#onOnline.delete(hurry);
      },
      onlyEngine: async () => undefined,
    };
  }

  /** The engine is there and knows what lies here. */
  static async started(house: House): Promise<Device> {
    const device = await Device.fresh(house);
    await device.tab.until("its stage", () => device.tab.app.stage !== "starting");
    return device;
  }

  /** Unlocked, as the person does it after a reload. */
  async unlock(): Promise<void> {
    await this.tab.stage("locked");
    await this.engine.unlock(this.protection);
  }

  online(): Promise<unknown> {
    return this.tab.until(
      "online",
      () => this.tab.app.stage === "open" && this.tab.app.connection === "online",
    );
  }

  /** From a link to an open account: the code is typed back. Gives the recovery code. */
  async join(link: string, name: string): Promise<string> {
    await this.engine.createAccount({ link, name, protection: this.protection });
    const { code, ask } = await this.tab.stage("recovery");
    const groups = code.split("-");
    await this.engine.confirmRecovery(ask.map((place) => groups[place]!));
    await this.tab.stage("open");
    return code;
  }
}
