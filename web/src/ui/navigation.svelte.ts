import { paths, type Route, readRoute } from "./route";

/** Where this tab is. The address bar is the only place that holds an invitation's link. */
class Navigation {
  route = $state.raw<Route>(readRoute(location.pathname, location.hash));

  constructor() {
    addEventListener("popstate", () => this.#read());
    addEventListener("hashchange", () => this.#read());
  }

  #read(): void {
    this.route = readRoute(location.pathname, location.hash);
  }

  go(path: string): void {
    if (location.pathname + location.hash !== path) history.pushState(null, "", path);
    this.#read();
  }

  replace(path: string): void {
    history.replaceState(null, "", path);
    this.#read();
  }

  /** An invitation was used or put aside: nothing of it stays in the address bar or in this entry of the history. */
  dropLink(): void {
    if (this.route.page === "join") this.replace(paths.home);
  }
}

export const navigation = new Navigation();

/** For links within the page: plain clicks stay in it, everything else (new tab, …) is the browser's. */
export function follow(event: MouseEvent): void {
  const link = event.currentTarget;
  if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  navigation.go(new URL(link.href).pathname);
}
