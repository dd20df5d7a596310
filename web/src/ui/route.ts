/**
 * The addresses of the interface. The server answers each with the same page; what follows `#` never reaches it.
 */

export type Route =
  | { readonly page: "home" }
  | { readonly page: "room"; readonly roomId: string; readonly people: boolean }
  | { readonly page: "call"; readonly roomId: string }
  | { readonly page: "settings" }
  | { readonly page: "recover" }
  /** `link` is the raw text behind `#`. */
  | { readonly page: "join"; readonly link: string };

const ROOM_ID = /^[A-Za-z0-9_-]{1,64}$/;
/** A link of ours has some 100 characters; what is longer is not looked at. */
export const MAX_LINK = 1024;

/** Unknown addresses are the home page. */
export function readRoute(pathname: string, hash: string): Route {
  const [first = "", second = "", third = "", ...rest] = pathname.replace(/^\/|\/$/g, "").split("/");
  if (rest.length === 0) {
    if (first === "settings" && second === "") return { page: "settings" };
    if (first === "recover" && second === "") return { page: "recover" };
    if (first === "join" && second === "") return { page: "join", link: hash.slice(1, 1 + MAX_LINK) };
    if (first === "room" && ROOM_ID.test(second) && (third === "" || third === "people")) {
      return { page: "room", roomId: second, people: third === "people" };
    }
    if (first === "room" && ROOM_ID.test(second) && third === "call") return { page: "call", roomId: second };
  }
  return { page: "home" };
}

export const paths = {
  home: "/",
  settings: "/settings",
  recover: "/recover",
  room: (roomId: string): string => `/room/${roomId}`,
  people: (roomId: string): string => `/room/${roomId}/people`,
  call: (roomId: string): string => `/room/${roomId}/call`,
} as const;

export type Pasted =
  | { readonly kind: "link"; readonly link: string }
  | { readonly kind: "other_server" }
  | { readonly kind: "not_a_link" };

/** The invitation in what was pasted: a whole link, or a message that holds one. `origin` is this page's own. */
export function readPasted(text: string, origin: string): Pasted {
  let other = false;
  for (const [found] of text.slice(0, 20_000).matchAll(/https?:\/\/\S+/g)) {
    if (!URL.canParse(found)) continue;
    const url = new URL(found);
    if (url.pathname.replace(/\/$/, "") !== "/join") continue;
    if (url.origin !== origin) other = true;
    // Mail programs wrap links in brackets and end sentences after them; tokens have none of these.
    else
      return { kind: "link", link: url.hash.slice(1, 1 + MAX_LINK).replace(/[^A-Za-z0-9_.-].*$|[.]+$/g, "") };
  }
  return { kind: other ? "other_server" : "not_a_link" };
}
