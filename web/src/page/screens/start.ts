/** The first screen: what this is, who sees what, what it can't do, and what to do in danger. */
import type { App } from "../app.ts";
import { button, h } from "../dom.ts";
import { explain } from "../errors.ts";
import { SENTENCES } from "../sentences.ts";
import { category } from "./report.ts";
import { comeBack } from "./back.ts";

export function start(app: App): HTMLElement {
  const lines = SENTENCES.map((key) => h("p", {}, app.t(key)));
  const more = h(
    "details", {},
    h("summary", {}, app.t("start.more")),
    ...(["start.more.1", "start.more.2", "start.more.3", "start.more.4", "start.more.5"] as const).map((key) => h("p", {}, app.t(key))),
  );
  return h(
    "section", { class: "start" },
    h("h1", {}, app.t("start.title")),
    ...lines,
    state(app),
    h(
      "div", { class: "actions" },
      button(app.t("start.report"), () => app.show(category, start), "primary", { id: "begin" }),
      button(app.t("start.back"), () => app.show(comeBack, start), "", { id: "return" }),
    ),
    more,
  );
}

/** Whether the installation could be read: it is checked before anybody is asked to rely on it. */
export function state(app: App): HTMLElement {
  if (app.broken) {
    return h(
      "div", { class: "banner warn", role: "alert", id: "broken" },
      h("p", {}, explain(app.words, app.broken)),
      button(app.t("again"), () => location.reload()),
    );
  }
  if (!app.ready) return h("p", { class: "hint loading", role: "status", id: "loading" }, app.t("start.loading"));
  return h("p", { class: "hint checked", id: "checked" }, app.t("start.checked", { name: app.ready.name }));
}
