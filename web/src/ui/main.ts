import { mount } from "svelte";
import { connect } from "../engine/client";
import App from "./App.svelte";
import { Session } from "./session.svelte";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no #app");
mount(App, { target, props: { session: new Session(connect()) } });
