import { equal, toBase64Url, toHex, wipe } from "../bytes/bytes";
import { sameRecoveryGroup } from "../identity/recoveryCode";
import { roomRows } from "../room/core";
import { StorageConflict } from "../vault/storage";
import { storedWraps, Vault, type Way } from "../vault/vault";
import type { AppView, Call, Engine, FromEngine, Protection, ToEngine } from "./api";
import { Auth, enrol } from "./auth";
import type { CallEngine } from "./callApi";
import { callCalls } from "./callCalls";
import { type SessionCalls, sessionCalls } from "./calls";
import { type Open, roomPrefix } from "./draft";
import {
  askedGroups,
  type Code,
  checkedName,
  forgetCode,
  inspect,
  newAccount,
  newCode,
  readLink,
  recovered,
  shownCode,
  typedCode,
} from "./enrol";
import { EngineError, failureCode } from "./errors";
import { type Http, http, mayPass, ServerError } from "./http";
import { active, CHECK_EVERY_MS, checked, type Idle } from "./idle";
import { idOf } from "./ids";
import { openerOf, PASSKEY_SALT, registrationOf, wayOf } from "./passkey";
import { type Port, PortSet } from "./ports";
import { Queue } from "./queue";
import { newRecords, type Records, recordRows, withErrand } from "./records";
import { Session } from "./session";
import { callEyes, openView, roomViewOf, waysOf } from "./views";
import type { World } from "./world";

/**
 * The one engine of a profile. It has a stage (starting, empty, recovery, open, locked, failed), at most one session,
 * and ports to every tab. Whatever moves it from stage to stage runs in the queue.
 */

/** The last post is looked for among so many of a room's last items. */
const SUMMARY_ITEMS = 20;

/** A vault whose account the server has perhaps not taken yet: the next try goes on with the same keys. */
type Unfinished = { readonly vault: Vault; readonly open: Open };

export class CollegiumEngine {
  readonly #world: World;
  readonly #http: Http;
  readonly #queue = new Queue();
  readonly #ports: PortSet;
  #stage: "starting" | "empty" | "locked" | "session" | { readonly failed: string } = "starting";
  #locked: AppView = { stage: "starting" };
  #session: Session | null = null;
  #calls: SessionCalls | null = null;
  #unfinished: Unfinished | null = null;
  /** The code of an account that is about to be made: the passkey is made for its id. */
  #draftCode: Code | null = null;
  #idle: Idle;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(world: World) {
    this.#world = world;
    this.#http = http(world);
    this.#idle = active(world.now());
    this.#ports = new PortSet({
      app: (port) => this.#view(port),
      room: (port, hex, items) => {
        const session = this.#session;
        const sight = session?.sight(hex, items);
        return session && sight ? roomViewOf(callEyes(session), sight, session.call.isOf(port)) : null;
      },
      gone: (port) => this.#gone(port),
      call: (port, call) => this.#call(port, call),
    });
  }

  /** Take hold of the profile's vault and say what is in it. */
  async start(): Promise<void> {
    await this.#queue.run(async () => {
      try {
        await this.#world.onlyEngine(() => this.#fail("other_tab"));
        await this.#look();
      } catch (error) {
        this.#fail(failureCode(error));
      }
    });
    this.#timer = setInterval(() => this.#checkIdle(), CHECK_EVERY_MS);
  }

  /** For whoever ends the engine without ending its process. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#queue.run(() => this.#close());
  }

  /** A tab. It says hello, calls, and goes. */
  attach(post: (message: FromEngine) => void): (message: ToEngine) => void {
    return this.#ports.attach(post);
  }

  // Stages

  async #look(): Promise<void> {
    const wraps = await storedWraps(this.#world.storage);
    this.#stage = wraps.length === 0 ? "empty" : "locked";
    this.#locked = wraps.length === 0 ? { stage: "empty" } : { stage: "locked", ways: waysOf(wraps) };
    this.#ports.changed();
  }

  /** A tab went, and with it the camera and the connection that it had. */
  #gone(port: Port): void {
    const session = this.#session;
    if (!session?.call.isOf(port)) return;
    session.work((draft) => session.call.leave(draft)).catch((error: unknown) => this.#sessionFailed(error));
  }

  #view(port: Port): AppView {
    if (typeof this.#stage === "object") return { stage: "failed", code: this.#stage.failed };
    const session = this.#session;
    if (!session) return this.#stage === "starting" ? { stage: "starting" } : this.#locked;
    const shown = shownCode(session.records.account);
    if (shown) return { stage: "recovery", ...shown };
    const sights = [...session.rooms.keys()].flatMap((hex) => session.sight(hex, SUMMARY_ITEMS) ?? []);
    const { records, connection, skew } = session;
    return openView(records, sights, connection, skew, callEyes(session), session.call.isOf(port));
  }

  #fail(code: string): void {
    this.#stage = { failed: code };
    this.#ports.changed();
  }

  /** Nothing may go on with this vault. Whatever draft is under way ends first. */
  #sessionFailed(error: unknown): void {
    console.error("the engine stops", error);
    const session = this.#session;
    void this.#queue.run(() => {
      if (session?.closed ?? true) return;
      this.#close();
      this.#fail(failureCode(error));
    });
  }

  /** Forget all keys and all that was readable. */
  #close(): void {
    this.#session?.close();
    this.#session = null;
    this.#calls = null;
    if (this.#unfinished) {
      wipe(this.#unfinished.open.records.account.identity.identityKey.privateKey);
      this.#unfinished.vault.close();
    }
    this.#unfinished = null;
    if (this.#draftCode) forgetCode(this.#draftCode);
    this.#draftCode = null;
  }

  async #lock(): Promise<void> {
    if (!this.#session) return;
    this.#close();
    this.#ports.forget();
    await this.#look();
  }

  #checkIdle(): void {
    const { idle, lock } = checked(this.#idle, this.#world.now(), this.#session?.call.room != null);
    this.#idle = idle;
    if (lock && this.#session) {
      this.#queue.run(() => this.#lock()).catch((error: unknown) => this.#fail(failureCode(error)));
    }
  }

  /** Somebody is here. */
  #touch(): void {
    this.#idle = active(this.#world.now());
    this.#session?.hurry();
  }

  #open(vault: Vault, open: Open): void {
    this.#unfinished = null;
    this.#session = new Session(this.#world, this.#queue, vault, open, {
      changed: () => this.#ports.changed(),
      failed: (error) => this.#sessionFailed(error),
    });
    this.#calls = sessionCalls(this.#session);
    this.#stage = "session";
    this.#touch();
    this.#session.start();
    this.#ports.changed();
  }

  /** Make an account or a device known to the server, if it is not yet, and go on with it. In the queue. */
  async #finish({ vault, open }: Unfinished): Promise<void> {
    const { records, rooms } = open;
    if (records.account.pending) {
      try {
        await enrol(this.#http, records.account);
      } catch (error) {
        if (!(await this.#knownAlready(records, error))) {
          if (mayPass(error)) throw error;
          // The server will never take these keys: nothing of them is worth keeping.
          await vault.erase();
          vault.close();
          this.#unfinished = null;
          await this.#look();
          if (!(error instanceof ServerError) || error.code !== "not_found") throw error;
          throw new EngineError("link_unknown");
        }
      }
    }
    const done: Records = { ...records, account: { ...records.account, pending: null } };
    await vault.write({ put: recordRows(records, done) });
    this.#open(vault, { records: done, rooms });
  }

  /** The device is there, and only the answer was lost on its way (a recovery's grant counts once). */
  async #knownAlready(records: Records, error: unknown): Promise<boolean> {
    if (!(error instanceof ServerError) || records.account.pending?.kind !== "recover") return false;
    if (error.code !== "grant" && error.code !== "device_exists") return false;
    try {
      await new Auth(this.#http, () => records.account).signIn();
      return true;
    } catch {
      return false; // then the first error is the one to tell
    }
  }

  // Calls

  async #call(port: Port, { call, args }: Call): Promise<unknown> {
    const own = this.#own(port);
    const where = Object.hasOwn(own, call) ? own : this.#callsOf(port, call);
    if (!where) throw new EngineError("not_open");
    if (!Object.hasOwn(where, call)) throw new EngineError("unexpected");
    const method = (where as Engine)[call] as (...all: readonly unknown[]) => Promise<unknown>;
    return method(...args);
  }

  #callsOf(port: Port, call: string): object | null {
    if (this.#session === null || this.#calls === null) return null;
    return Object.hasOwn(this.#calls, call) ? this.#calls : callCalls(this.#session, port);
  }

  /** The calls that do not need a session, or that change whether there is one. */
  #own(port: Port): Omit<Engine, keyof SessionCalls | keyof CallEngine> {
    const inOrder = <A extends unknown[], T>(task: (...args: A) => T | Promise<T>) => {
      return (...args: A): Promise<T> => this.#queue.run(() => task(...args));
    };
    return {
      inspectLink: (link) => inspect(this.#http, link, this.#world.origin),
      preparePasskey: ({ code }) => this.#preparePasskey(code),
      createAccount: inOrder((request) => this.#createAccount(request)),
      confirmRecovery: inOrder((typed) => this.#confirmRecovery(typed)),
      recover: inOrder((request) => this.#recover(request)),
      unlock: inOrder(async (protection) => void (await this.#unlock(openerOf(protection)))),
      unlockWithCode: inOrder((request) => this.#unlockWithCode(request)),
      lock: inOrder(() => this.#lock()),
      active: async () => this.#touch(),
      openRoom: async (roomId) => {
        if (!this.#session) throw new EngineError("not_open");
        if (!this.#session.rooms.has(toHex(idOf(roomId)))) throw new EngineError("not_found");
        port.open(roomId);
      },
      closeRoom: async (roomId) => port.close(roomId),
      loadOlder: async (roomId) => port.older(roomId),
      forgetDevice: inOrder(() => this.#forgetDevice()),
    };
  }

  async #preparePasskey(text: string | null): Promise<{ options: unknown; salt: string }> {
    let accountId: Uint8Array;
    if (text === null) {
      this.#draftCode ??= newCode(this.#world.rng);
      accountId = this.#draftCode.accountId;
    } else {
      const code = typedCode(text);
      accountId = code.accountId;
      forgetCode(code);
    }
    const answer = await this.#http.call("POST", "/api/passkeys/first-options", { account_id: accountId });
    return { options: answer.options, salt: PASSKEY_SALT };
  }

  /** Nothing here yet, or an account that the server has not been heard to take. */
  #requireEmpty(): void {
    if (this.#stage === "empty") return;
    throw new EngineError(
      this.#stage === "session" || this.#stage === "locked" ? "account_exists" : "unexpected",
    );
  }

  async #createAccount(request: { link: string; name: string; protection: Protection }): Promise<void> {
    this.#requireEmpty();
    const name = checkedName(request.name);
    const way = wayOf(request.protection);
    const registration = registrationOf(request.protection);
    const link = readLink(request.link, this.#world.origin);
    const earlier = this.#unfinished;
    if (earlier) {
      const { pending } = earlier.open.records.account;
      if (pending?.kind === "register" && toBase64Url(pending.token) === link.token) {
        await this.#tryAgain(earlier, { name, way, registration });
        return;
      }
      await this.#giveUp(); // another link: another account
    }
    const code = this.#draftCode ?? newCode(this.#world.rng);
    this.#draftCode = code;
    const account = await newAccount(this.#world, this.#http, code, { link, text: request.link, name });
    const records = withPasskey(newRecords(account), registration);
    await this.#begin(code, way, { records, rooms: new Map() });
  }

  /** Take away what was begun and not finished. */
  async #giveUp(): Promise<void> {
    const vault = this.#unfinished?.vault;
    this.#unfinished = null;
    await vault?.erase();
    vault?.close();
  }

  async #recover(request: { code: string; protection: Protection }): Promise<void> {
    this.#requireEmpty();
    const way = wayOf(request.protection);
    const registration = registrationOf(request.protection);
    const code = typedCode(request.code);
    const earlier = this.#unfinished;
    if (earlier && equal(earlier.open.records.account.identity.accountId, code.accountId)) {
      // Perhaps only the answer was lost. A grant that has run out is no reason to stop: there is a new one.
      await earlier.vault.protect(way);
      try {
        await this.#finish(earlier);
        return;
      } catch (error) {
        if (mayPass(error)) throw error;
      }
    }
    await this.#giveUp();
    const open = await recovered(this.#world, this.#http, code);
    await this.#begin(code, way, { ...open, records: withPasskey(open.records, registration) });
  }

  /** Vault first: from here on a crash loses no key that the server may have taken. */
  async #begin(code: Code, way: Way, open: Open): Promise<void> {
    const ways: Way[] = [way, { kind: "recovery", key: code.keys.vaultKey }];
    const rows = allRows(open);
    const vault = await Vault.create(this.#world.storage, ways, rows, this.#world.rng).catch(
      (error: unknown) => {
        throw error instanceof StorageConflict ? new EngineError("account_exists") : error;
      },
    );
    forgetCode(code); // E6: what is left of it is what must be typed back
    this.#draftCode = null;
    this.#unfinished = { vault, open };
    await this.#finish(this.#unfinished);
  }

  /** The same account once more, under the name and the protection that were chosen this time. */
  async #tryAgain(
    { vault, open }: Unfinished,
    { name, way, registration }: { name: string; way: Way; registration: string | null },
  ): Promise<void> {
    await vault.protect(way);
    const renamed = { ...open.records, account: { ...open.records.account, name } };
    const records = withErrand(withPasskey(renamed, registration), { kind: "backup", notBefore: 0 });
    await vault.write({ put: recordRows(open.records, records) });
    this.#unfinished = { vault, open: { ...open, records } };
    await this.#finish(this.#unfinished);
  }

  async #unlock(opener: Way): Promise<Vault> {
    if (this.#stage !== "locked")
      throw new EngineError(this.#stage === "session" ? "account_exists" : "unexpected");
    const vault = await Vault.unlock(this.#world.storage, opener, this.#world.rng);
    try {
      await this.#finish({ vault, open: await Session.load(vault) });
    } catch (error) {
      if (this.#stage === "locked") vault.close();
      throw error;
    }
    return vault;
  }

  async #unlockWithCode(request: { code: string; protection: Protection }): Promise<void> {
    const way = wayOf(request.protection);
    const registration = registrationOf(request.protection);
    const code = typedCode(request.code);
    try {
      const vault = await this.#unlock({ kind: "recovery", key: code.keys.vaultKey });
      await vault.protect(way);
    } finally {
      forgetCode(code);
    }
    await this.#session?.inQueue((draft) => {
      draft.records = withPasskey(draft.records, registration);
    });
  }

  async #confirmRecovery(typed: readonly string[]): Promise<void> {
    const session = this.#session;
    if (!session) throw new EngineError("not_open");
    const { account } = session.records;
    if (!account.code) return;
    const asked = askedGroups(account);
    if (
      typed.length !== asked.length ||
      !asked.every((group, i) => sameRecoveryGroup(typed[i] ?? "", group))
    ) {
      throw new EngineError("recovery_code_typed");
    }
    await session.inQueue((draft) => {
      draft.records = { ...draft.records, account: { ...draft.records.account, code: null } };
    });
    wipe(account.code.bytes); // E6: from here on it is with the person alone
  }

  async #forgetDevice(): Promise<void> {
    const session = this.#session;
    if (!session) throw new EngineError("not_open");
    // The session ends where the server can be reached; it ends by itself elsewhere.
    await session.auth.call("POST", "/api/sign-out").catch(() => undefined);
    await session.vault.erase();
    this.#close();
    this.#ports.forget();
    await this.#look();
  }
}

function withPasskey(records: Records, registration: string | null): Records {
  return registration === null
    ? records
    : withErrand(records, { kind: "passkey", registration, notBefore: 0 });
}

/** Every row of what is open, for a vault that is new. */
function allRows({ records, rooms }: Open): Record<string, unknown> {
  const rows = recordRows(null, records);
  for (const [hex, state] of rooms) {
    for (const [name, value] of Object.entries(roomRows(null, state).put))
      rows[roomPrefix(hex) + name] = value;
  }
  return rows;
}
