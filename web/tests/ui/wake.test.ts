import { describe, expect, it } from "vitest";
import { resubscribed, type Scope, TAG, type Tab, toFront, WOKEN, woken } from "../../src/ui/offline/wake";
import { TAG as PAGE_TAG } from "../../src/ui/offline/woken";
import { enWorker } from "../../src/words/enWorker";
import { workerWords } from "../../src/words/workerWords";

/** A service worker's scope that records, and tabs that answer as they are told. */
function scopeWith(tabs: readonly Tab[]): Scope & { readonly said: unknown[][] } {
  const said: unknown[][] = [];
  return {
    said,
    clients: {
      matchAll: async () => tabs,
      openWindow: async (url) => void said.push(["open", url]),
    },
    registration: {
      showNotification: async (title, { body, tag }) => void said.push(["show", title, body, tag]),
      pushManager: {
        subscribe: async (options: unknown) => {
          said.push(["subscribe", options]);
          return { endpoint: "https://push.example.org/new" };
        },
      } as unknown as PushManager,
    },
    navigator: { languages: ["en-GB"] },
    fetch: async (url, { method, body }) => {
      said.push([method, url, body]);
      return new Response("{}");
    },
  };
}

/** `answer` undefined: it never answers. */
function tab(answer: unknown, more: Partial<Tab> = {}): Tab & { readonly asked: unknown[] } {
  const asked: unknown[] = [];
  return {
    asked,
    postMessage: (message, [port]) => {
      asked.push(message);
      if (answer !== undefined) port?.postMessage(answer);
    },
    focus: async () => void asked.push("focus"),
    ...more,
  };
}

const FIXED = ["show", "Collegium", "A call in one of your groups: unlock to see", TAG];

describe("a push without a body", () => {
  it("is told by fixed words where no page is open", async () => {
    const scope = scopeWith([]);
    await woken(scope);
    expect(scope.said).toEqual([FIXED]);
  });

  it("is left to a page that says that it tells the person, and to no other", async () => {
    const tabs = [tab(false), tab(true), tab(undefined)];
    const scope = scopeWith(tabs);
    // The one that answers nothing holds nobody up.
    await woken(scope, 600_000);
    expect(scope.said).toEqual([]);
    expect(tabs.map(({ asked }) => asked)).toEqual([[WOKEN], [WOKEN], [WOKEN]]);
  });

  it.each([
    ["locked", false],
    ["frozen", undefined],
    ["of an older build", "what?"],
  ])("is told by us where a page is %s", async (_, answer) => {
    const scope = scopeWith([tab(answer), tab(answer)]);
    await woken(scope, 30);
    expect(scope.said).toEqual([FIXED]);
  });

  it("has one notification, which the page knows by the same name", () => {
    expect(PAGE_TAG).toBe(TAG);
  });
});

describe("a notification that is pressed", () => {
  it("leads to a page that can be seen, else to any, else to a new one", async () => {
    const [hidden, seen] = [
      tab(true, { visibilityState: "hidden" }),
      tab(true, { visibilityState: "visible" }),
    ];
    await toFront(scopeWith([hidden, seen]));
    expect([hidden.asked, seen.asked]).toEqual([[], ["focus"]]);
    await toFront(scopeWith([hidden]));
    expect(hidden.asked).toEqual(["focus"]);
    const scope = scopeWith([]);
    await toFront(scope);
    expect(scope.said).toEqual([["open", "/"]]);
  });
});

describe("an address that the browser renewed", () => {
  it("is told to the server, under the same key", async () => {
    const scope = scopeWith([]);
    const key = new Uint8Array(65).buffer;
    await resubscribed(scope, { options: { applicationServerKey: key } } as unknown as PushSubscription);
    expect(scope.said).toEqual([
      ["subscribe", { userVisibleOnly: true, applicationServerKey: key }],
      ["PUT", "/api/push", '{"endpoint":"https://push.example.org/new"}'],
    ]);
  });

  it("waits for the page where the browser does not say which it was", async () => {
    const scope = scopeWith([]);
    await resubscribed(scope, null);
    expect(scope.said).toEqual([]);
  });
});

describe("the worker's words", () => {
  it("are those of the first language that there is", () => {
    expect(workerWords(["de-AT", "en-GB"])).toBe(enWorker);
    expect(workerWords(["constructor"])).toBe(enWorker);
    expect(workerWords([])).toBe(enWorker);
  });

  it("name nobody and nothing", () => {
    for (const text of Object.values(enWorker)) expect(text).not.toMatch(/\w'\w|\$\{|undefined/);
  });
});
