/** One thing after another: whatever the engine does to its state is a task here, so nothing interleaves. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  /** Run after everything before it, whether that succeeded or not. */
  run<T>(task: () => Promise<T> | T): Promise<T> {
    const done = this.#last.then(task);
    this.#last = done.catch(() => undefined); // whoever asked for it is told
    return done;
  }
}
