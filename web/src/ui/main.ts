import { mount } from "svelte";
import { connect } from "../engine/client";
import App from "./App.svelte";
import Failed from "./entry/Failed.svelte";
import { installOffline } from "./offline/install";
import { listenForWakes, ringingIn } from "./offline/woken";
import { Session } from "./session.svelte";
import { missing } from "./support";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no #app");

const lacking = missing(globalThis);
if (lacking) mount(Failed, { target, props: { code: lacking } });
else {
  const session = new Session(connect());
  mount(App, { target, props: { session } });
  if (import.meta.env.PROD) {
    installOffline();
    listenForWakes(() => (session.open ? ringingIn(session.open.rings) : null));
  }
}
