import { mount } from "svelte";
import App from "../../../src/ui/App.svelte";
import { Session } from "../../../src/ui/session.svelte";
import { callScenes, isListed, setStage } from "./callScenes";
import { ringScenes } from "./ringScenes";
import { NOW, scenes as plainScenes } from "./scenes";
import { type Script, ScriptedEngine } from "./scriptedEngine";
import "../../../src/ui/styles/tokens.css";
import "../../../src/ui/styles/base.css";
import "../../../src/ui/styles/controls.css";

/** `?view=NAME` shows one scene; without it, a list of all. For tests and for looking; never in the product's build. */

const scenes: Readonly<Record<string, Script>> = { ...plainScenes, ...ringScenes, ...callScenes };

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no #app");

const MAX_FRAMES = 600;

/** Press what a scene begins with. `.coming` says meanwhile that it is not there yet. */
async function press(names: readonly string[]): Promise<void> {
  const sign = Object.assign(document.createElement("i"), { className: "coming", hidden: true });
  document.body.append(sign);
  for (const label of names) {
    const isIt = (one: HTMLElement) => (one.ariaLabel ?? one.textContent).includes(label);
    let found: HTMLElement | undefined;
    for (let i = 0; i < MAX_FRAMES && !found; i++) {
      await new Promise(requestAnimationFrame);
      found = [...document.querySelectorAll<HTMLElement>("button, input, summary")].filter(isIt).at(-1);
    }
    if (!found) throw new Error(`nothing is called ${label}`);
    found.click();
  }
  sign.remove();
}

const name = new URLSearchParams(location.search).get("view") ?? "";
const scene = scenes[name];

if (scene) {
  const base = location.pathname;
  const engine = new ScriptedEngine(scene, () => NOW);
  Object.assign(window, { scripted: engine });
  // The interface reads its address: give it the one of the scene.
  history.replaceState(null, "", scene.path ?? "/");
  addEventListener("pageshow", (event) => event.persisted && location.replace(`${base}?view=${name}`));
  const { navigation } = await import("../../../src/ui/navigation.svelte");
  navigation.replace(scene.path ?? "/");
  setStage(name);
  mount(App, { target, props: { session: new Session(engine) } });
  if (scene.press) await press(scene.press);
} else {
  const list = document.createElement("ul");
  for (const one of Object.keys(scenes).filter(isListed)) {
    const link = document.createElement("a");
    link.href = `?view=${one}`;
    link.textContent = one;
    const item = document.createElement("li");
    item.append(link);
    list.append(item);
  }
  const main = document.createElement("main");
  const heading = document.createElement("h1");
  heading.textContent = "Gallery";
  main.append(heading, list);
  target.append(main);
}
