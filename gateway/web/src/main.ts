import { mount } from "svelte";
import "leaflet/dist/leaflet.css";
import "./base.css";
import "./frame.css";
import "./panel.css";
import "./plan.css";
import "./carriers.css";
import App from "./App.svelte";

const target = document.getElementById("page");
if (!target) throw new Error("index.html has no element #page");
mount(App, { target });
