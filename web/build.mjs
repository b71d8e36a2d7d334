// Builds the page: `node build.mjs [folder]`, into `dist/` unless another folder is named. The same sources and versions give the
// same bytes, wherever they lie: names, order and settings are fixed, and nothing of the machine goes in.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const to = process.argv[2] ?? join(here, "dist");
const source = (name) => join(here, "src/page", name);

const bundle = async (entry) => {
  const { outputFiles } = await build({
    entryPoints: [source(entry)],
    absWorkingDir: here,
    bundle: true,
    write: false,
    format: "esm",
    // What Tor Browser's engine has, and phones of some years ago.
    target: ["es2022", "firefox128", "chrome109", "safari16"],
    minify: true,
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    outdir: "out",
  });
  return Buffer.from(outputFiles[0].contents);
};

// The words of the first screen stand in the document too, for the time before any script has run.
const words = await (async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: 'export { id } from "./words/id.ts"; export { SENTENCES } from "./sentences.ts";',
      resolveDir: source("."),
    },
    bundle: true, write: false, format: "esm", platform: "node", logLevel: "warning",
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
})();

const integrity = (bytes) => `sha384-${createHash("sha384").update(bytes).digest("base64")}`;
const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

const files = {
  "main.js": await bundle("main.ts"),
  "worker.js": await bundle("worker.ts"),
  "style.css": await bundle("style.css"),
  "icon.svg": readFileSync(source("icon.svg")),
};
const filled = {
  title: escaped(words.id.title),
  heading: escaped(words.id["start.title"]),
  sentences: words.SENTENCES.map((key) => `<p>${escaped(words.id[key])}</p>`).join("\n"),
  noscript: escaped(words.id["noscript"]),
  style: integrity(files["style.css"]),
  main: integrity(files["main.js"]),
};
const template = readFileSync(source("index.html"), "utf8");
files["index.html"] = Buffer.from(template.replace(/\{(\w+)\}/g, (_, name) => filled[name]));

rmSync(to, { recursive: true, force: true });
mkdirSync(to, { recursive: true });
for (const [name, bytes] of Object.entries(files)) writeFileSync(join(to, name), bytes);
