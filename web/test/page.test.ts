/** What the built page weighs, and what may not stand in it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";

const folder = mkdtempSync(join(tmpdir(), "tabir-page-"));
execFileSync(process.execPath, ["build.mjs", folder]);
after(() => rmSync(folder, { recursive: true }));

const names = readdirSync(folder).sort();
const read = (name: string): Buffer => readFileSync(join(folder, name));
const packed = (...of: string[]): number => of.reduce((sum, name) => sum + gzipSync(read(name), { level: 6 }).length, 0);

test("the page is these files", () => assert.deepEqual(names, ["icon.svg", "index.html", "main.js", "style.css", "worker.js"]));

test("the first screen is at most 50 kB compressed, the whole page at most 250 kB", () => {
  const [first, whole] = [packed("index.html", "style.css", "main.js"), packed(...names)];
  console.log(`first screen ${first} bytes, whole ${whole} bytes, compressed; ${names.map((name) => `${name} ${packed(name)}`).join(", ")}`);
  assert.ok(first <= 50_000, `${first}`);
  assert.ok(whole <= 250_000, `${whole}`);
});

test("style and script are named with their hash, and nothing stands in the document but data", () => {
  const html = read("index.html").toString();
  for (const [name, attribute] of [["style.css", "href"], ["main.js", "src"]] as const) {
    const hash = createHash("sha384").update(read(name)).digest("base64");
    assert.ok(html.includes(`${attribute}="page/${name}" integrity="sha384-${hash}"`), name);
  }
  assert.doesNotMatch(html, /\son\w+=|style=|javascript:/i);
  assert.deepEqual([...html.matchAll(/<script([^>]*)>([^<]*)/g)].map(([, , inside]) => inside), ["", '"installation"']);
});

test("no script makes code or markup of text, keeps anything, or knows WebAssembly", () => {
  for (const name of ["main.js", "worker.js"]) {
    const code = read(name).toString();
    for (const banned of [
      /\beval\(/, /\bnew Function\b/, /\.innerHTML\b/, /\.outerHTML\b/, /insertAdjacentHTML/, /document\.write/, /WebAssembly/,
      /localStorage/, /sessionStorage/, /indexedDB/, /document\.cookie/, /serviceWorker/, /\bcaches\b/, /sendBeacon/, /importScripts/,
    ]) {
      assert.doesNotMatch(code, banned, `${name}: ${banned}`);
    }
  }
});

test("nothing of the page names another host", () => {
  for (const name of names) {
    const hosts = [...read(name).toString().matchAll(/https?:\/\/[a-z0-9.-]+/gi)].map(([url]) => url);
    assert.deepEqual(hosts.filter((url) => url !== "http://www.w3.org"), [], name);
  }
});

test("the place of the installation is there once", () => {
  assert.equal(read("index.html").toString().split('"installation"').length, 2);
});

test("the style knows beginning and end, not left and right: it is ready for writing from right to left", () => {
  const style = readFileSync("src/page/style.css", "utf8").replace(/\/\*[^]*?\*\//g, "");
  assert.deepEqual(style.match(/(?<![-.\w])(?:(?:margin|padding|border)-)?(?:left|right)\b|\bfloat\b/g), null);
  // Four values of a shorthand may be two different sides.
  for (const [rule, values] of style.matchAll(/(?:margin|padding|inset|border-width): ([^;}]+)/g)) {
    const parts = values?.match(/(?:calc\([^()]*(?:\([^()]*\)[^()]*)*\)|\S)+/g) ?? [];
    assert.ok(parts.length < 4 || parts[1] === parts[3], rule);
  }
});
