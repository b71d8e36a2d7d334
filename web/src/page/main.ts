/** Where the page begins. The installation stands in the document: docs/page.md. */
import { App } from "./app.ts";
import { start } from "./screens/start.ts";

const installed = document.getElementById("tabir")?.textContent ?? "";
const worker = new URL("worker.js", import.meta.url).href;

void new App(start, worker).start(installed);
