import { codeOf } from "../session.svelte";

/** One thing that a person has asked for and that is still running, and why the last one was refused. */
export class Running {
  busy = $state(false);
  code = $state<string | null>(null);

  /** Run it unless one runs already. True when it was done. */
  async run(work: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.code = null;
    try {
      await work();
      return true;
    } catch (error) {
      this.code = codeOf(error);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
