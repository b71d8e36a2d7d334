/** Writing a report: what it is about, what happened, where. */
import { find, type Finding } from "../../warnings.ts";
import type { App } from "../app.ts";
import { PRIVATE, button, field, freshId, h } from "../dom.ts";
import { identity } from "./identity.ts";
import { start, state } from "./start.ts";
import { review } from "./review.ts";

/** Bytes of a text inside the largest report, with room for all else that stands there. */
const MAX_TEXT = 60_000;
const MAX_PLACE = 500;
/** What is left is said only when it begins to matter. */
const SAY_LEFT = 5_000;

/** What a text takes inside JSON: the unit that the limit is in. */
export const bytesOf = (text: string): number => new TextEncoder().encode(JSON.stringify(text)).length - 2;

/** Steps are named, so that nobody wonders how many there are. */
export const steps = (app: App, n: number): HTMLElement => h("p", { class: "steps" }, app.t("step", { n, of: 5 }));

export function category(app: App): HTMLElement {
  const list = app.ready?.categories ?? [];
  if (!app.ready) return h("section", {}, h("h1", {}, app.t("category.title")), state(app));
  const choose = (code: string, release: "urgent" | "batched"): void => {
    app.draft.category = code;
    app.draft.release = release;
    app.show(text, category);
  };
  const items = list.map((c) =>
    h("li", {}, button(app.words.pick(c), () => choose(c.code, c.release), app.draft.category === c.code ? "choice chosen" : "choice")));
  return h(
    "section", {},
    steps(app, 1),
    h("h1", {}, app.t("category.title")),
    h("p", { class: "hint" }, app.t("category.hint")),
    list.length > 0 ? h("ul", { class: "choices" }, ...items) : h("p", { class: "banner warn" }, app.t("category.none")),
    h("div", { class: "actions" }, button(app.t("back"), () => app.show(start))),
  );
}

export function text(app: App): HTMLElement {
  const area = h("textarea", { rows: 9, ...PRIVATE, id: "text" });
  area.value = app.draft.text;
  const typed = field(app.t("text.label"), area, app.t("text.hint"));
  const left = h("p", { class: "hint left", role: "status" });
  const warnings = h("div", { class: "warnings", role: "status", "aria-live": "polite" });
  const look = (): void => {
    app.draft.text = area.value;
    const room = MAX_TEXT - bytesOf(area.value);
    left.textContent = room > SAY_LEFT ? "" : room >= 0 ? app.t("text.left", { n: app.words.number(room) }) : app.t("text.over", { n: app.words.number(-room) });
    left.classList.toggle("error", room < 0);
    if (area.value.trim() !== "") typed.error("");
    warnings.replaceChildren(...warn(app, area, look));
  };
  area.addEventListener("input", look);
  look();
  const next = (): void => {
    if (area.value.trim() === "") return typed.error(app.t("text.empty")), area.focus();
    if (bytesOf(area.value) > MAX_TEXT) return area.focus();
    app.show(place, text);
  };
  return h(
    "section", {},
    steps(app, 2),
    h("h1", {}, app.t("text.title")),
    typed.box,
    left,
    warnings,
    h("div", { class: "actions" }, button(app.t("next"), next, "primary", { id: "next" }), button(app.t("back"), () => app.show(category, start))),
  );
}

/** How much of the text stands around what was found. */
const AROUND = 24;
const BLANK = "███";

/** What in the text may give somebody away: where it stands, and one tap to blank it. */
function warn(app: App, area: HTMLTextAreaElement, changed: () => void): HTMLElement[] {
  const found = find(area.value);
  if (found.length === 0) return [];
  const blank = ({ from, to }: Finding): void => {
    area.value = area.value.slice(0, from) + BLANK + area.value.slice(to);
    changed();
    app.say(app.t("warn.blanked"));
    area.focus();
  };
  const show = ({ from, to }: Finding): void => {
    area.focus();
    area.setSelectionRange(from, to);
  };
  const item = (f: Finding): HTMLElement => {
    const id = freshId();
    const [before, after] = [area.value.slice(Math.max(0, f.from - AROUND), f.from), area.value.slice(f.to, f.to + AROUND)];
    const words = area.value.slice(f.from, f.to);
    return h(
      "li", { "data-kind": f.kind },
      h("p", { id }, h("strong", {}, app.t(`warn.${f.kind}`), ": "), `…${before}`, h("mark", {}, words), `${after}…`),
      button(app.t("warn.blank"), () => blank(f), "small", { "aria-describedby": id }),
      button(app.t("warn.show"), () => show(f), "small quiet", { "aria-describedby": id }),
    );
  };
  return [h("div", { class: "banner warn" }, h("p", {}, app.t("warn.title")), h("ul", {}, ...found.map(item)), h("p", { class: "hint" }, app.t("warn.hint")))];
}

export function place(app: App): HTMLElement {
  const area = h("textarea", { rows: 3, ...PRIVATE, id: "place" });
  area.value = app.draft.place;
  const typed = field(app.t("place.label"), area, app.t("place.hint"));
  const warnings = h("div", { class: "warnings", role: "status", "aria-live": "polite" });
  const look = (): void => {
    app.draft.place = area.value;
    typed.error(bytesOf(area.value) > MAX_PLACE ? app.t("place.long") : "");
    warnings.replaceChildren(...warn(app, area, look));
  };
  area.addEventListener("input", look);
  look();
  const onward = (): void => {
    if (bytesOf(app.draft.place) <= MAX_PLACE) app.show(app.draft.identity ? review : identity, place);
  };
  const none = (): void => {
    app.draft.place = "";
    onward();
  };
  return h(
    "section", {},
    steps(app, 3),
    h("h1", {}, app.t("place.title")),
    h("p", {}, app.t("place.explain")),
    typed.box,
    warnings,
    h(
      "div", { class: "actions" },
      button(app.t("next"), onward, "primary", { id: "next" }),
      button(app.t("place.none"), none, "", { id: "no-place" }),
      button(app.t("back"), () => app.show(text, category)),
    ),
  );
}
