/** Whether this page is before somebody's eyes, as reactive state. */
class Visible {
  now = $state(document.visibilityState === "visible");

  constructor() {
    document.addEventListener("visibilitychange", () => {
      this.now = document.visibilityState === "visible";
    });
  }
}

export const visible = new Visible();
