import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** A real server in a process of its own, on a free port of this machine, with a folder of its own. */

const ROOT = resolve(import.meta.dirname, "../../..");
const PYTHON = join(ROOT, ".venv/bin/python");
const START_MS = 60_000;

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once("error", fail);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => done(port));
    });
  });
}

export class House {
  readonly origin: string;
  readonly #port: number;
  readonly #units: number;
  readonly #folder: string;
  #process: ChildProcess | null = null;
  #printed = "";
  #logged = "";

  private constructor(port: number, units: number) {
    this.#port = port;
    this.#units = units;
    this.origin = `http://127.0.0.1:${port}`;
    this.#folder = mkdtempSync(join(tmpdir(), "collegium-house-"));
  }

  /** `units`: processes that forward media; most tests need none. */
  static async open({ units = 0 } = {}): Promise<House> {
    const house = new House(await freePort(), units);
    await house.start();
    // Its own first link comes after its first answer, and takes all earlier ones away.
    await house.#until(() => house.#printed.includes("/join#f."));
    return house;
  }

  async start(): Promise<void> {
    const made = spawn(PYTHON, ["-m", "server", "serve"], { cwd: ROOT, env: this.#env() });
    this.#process = made;
    made.stdout.on("data", (data: Buffer) => {
      this.#printed += data.toString();
    });
    made.stderr.on("data", (data: Buffer) => {
      this.#logged += data.toString();
    });
    await this.#until(async () => (await fetch(`${this.origin}/healthz`).catch(() => null))?.ok);
  }

  async #until(holds: () => unknown): Promise<void> {
    const deadline = Date.now() + START_MS;
    while (!(await holds())) {
      if (Date.now() > deadline) throw new Error(`the server does not answer: ${this.#logged.slice(-2000)}`);
      await new Promise((done) => setTimeout(done, 30));
    }
  }

  /** A link of a first member (the text behind #), as `invite` makes it, without waiting for a process. */
  founderLink(): string {
    const token = randomBytes(32);
    const database = new DatabaseSync(join(this.#folder, "data/collegium.sqlite"), { timeout: 10_000 });
    const hash = createHash("sha256").update(token).digest();
    database.prepare("INSERT INTO tokens (hash, not_after) VALUES (?, ?)").run(hash, Date.now() + 3_600_000);
    database.close();
    return `f.${token.toString("base64url")}`;
  }

  /** As when the power goes, for the process. */
  async kill(): Promise<void> {
    const process = this.#process;
    if (!process) return;
    this.#process = null;
    const gone = new Promise((done) => process.once("exit", done));
    process.kill("SIGKILL");
    await gone;
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #env(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      PYTHONPATH: ROOT,
      COLLEGIUM_DATA: join(this.#folder, "data"),
      COLLEGIUM_PORT: String(this.#port),
      COLLEGIUM_WEB: join(this.#folder, "web"),
      COLLEGIUM_RATE_FACTOR: "100",
      COLLEGIUM_MEDIA_WORKERS: String(this.#units),
    };
  }
}
