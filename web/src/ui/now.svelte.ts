/** The time, as reactive state that moves once a minute: "Today" becomes "Yesterday" on a page that stays open. */
class Now {
  minute = $state(Date.now());
  constructor() {
    setInterval(() => {
      this.minute = Date.now();
    }, 60_000);
  }
}

export const now = new Now();
