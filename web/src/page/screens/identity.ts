/** No name by default. Who wants to give one sees first who could open it, and under which terms. */
import type { App } from "../app.ts";
import { PRIVATE, button, field, freshId, h } from "../dom.ts";
import type { Consent } from "../protocol.ts";
import { bytesOf, place, steps, text } from "./report.ts";
import { review } from "./review.ts";

/** The record has 1,022 bytes in all; names of fields and signs of JSON take some. */
const MAX_IDENTITY = 900;

export function identity(app: App): HTMLElement {
  const none = (): void => {
    app.draft.identity = undefined;
    app.draft.councilId = undefined;
    app.show(review, identity);
  };
  const wanted = app.ready?.consent
    ? button(app.t("identity.give"), () => app.show(picture, identity), "", { id: "give" })
    : h("p", { class: "hint" }, app.t("identity.impossible"));
  return h(
    "section", {},
    steps(app, 4),
    h("h1", {}, app.t("identity.title")),
    h("p", {}, app.t("identity.explain")),
    h("div", { class: "actions column" }, button(app.t("identity.none"), none, "primary", { id: "anonymous" }), wanted),
    h("div", { class: "actions" }, button(app.t("back"), () => app.show(place, text))),
  );
}

/** Boxes in the order in which their consent is needed; a list for who can't see them. */
function diagram(app: App, c: Consent): HTMLElement {
  const officials = Array.from({ length: c.n }, (_, i) => h("span", { class: "seat", "aria-hidden": "true" }, String(i + 1)));
  const box = (kind: string, title: string, words: string, ...more: Node[]): HTMLElement =>
    h("li", { class: `box ${kind}` }, h("strong", {}, title), ...more, h("span", {}, words));
  return h(
    "ol", { class: "diagram" },
    box("you", app.t("picture.you"), app.t("picture.you.does")),
    box("officials", app.t("picture.officials", { t: c.t, n: c.n }), app.t("picture.officials.does", { t: c.t, n: c.n }), h("span", { class: "seats" }, ...officials)),
    box("log", app.t("picture.log"), app.t("picture.log.does")),
    box("outside", app.t("picture.outside"), app.t("picture.outside.does", { span: app.words.span(c.coolingOff) })),
    box("opened", app.t("picture.opened"), app.t("picture.opened.does")),
  );
}

function picture(app: App): HTMLElement {
  const c = app.ready?.consent;
  if (!c) return identity(app);
  const id = freshId();
  const box = h("input", { type: "checkbox", id, autocomplete: "off" });
  const go = (): void => {
    if (!box.checked) return box.focus();
    app.draft.councilId = c.councilId;
    app.draft.identity ??= { name: "", phone: "", email: "", note: "" };
    app.show(form, picture);
  };
  const point = (words: string): HTMLElement => h("li", {}, words);
  const bases = app.words.list(c.bases.map((b) => app.words.pick(b)));
  return h(
    "section", {},
    steps(app, 4),
    h("h1", {}, app.t("picture.title")),
    diagram(app, c),
    h(
      "ul", { class: "points" },
      point(app.t("picture.court", { bases })),
      point(app.t("picture.see", { span: app.words.span(c.deferralMax) })),
      ...(c.kept === undefined ? [] : [point(app.t("picture.kept", { span: app.words.span(c.kept) }))]),
      point(app.t("picture.witnesses", { names: app.words.list(c.witnesses) })),
      point(app.t("picture.collude", { t: c.t })),
    ),
    h("details", {}, h("summary", {}, app.t("picture.print")), h("p", {}, app.t("picture.print.explain")), h("p", { class: "mono" }, c.fingerprint)),
    h("p", { class: "check" }, box, h("label", { for: id }, app.t("picture.read"))),
    h(
      "div", { class: "actions" },
      button(app.t("picture.go"), go, "primary", { id: "understood" }),
      button(app.t("identity.none"), () => app.show(identity, place)),
    ),
  );
}

function form(app: App): HTMLElement {
  const given = app.draft.identity ?? { name: "", phone: "", email: "", note: "" };
  app.draft.identity = given;
  const input = (key: keyof typeof given, mode: string): HTMLInputElement => {
    const control = h("input", { type: "text", inputmode: mode, ...PRIVATE, id: `identity-${key}` });
    control.value = given[key];
    control.addEventListener("input", () => (given[key] = control.value));
    return control;
  };
  const fields = [
    field(app.t("form.name"), input("name", "text")),
    field(app.t("form.phone"), input("phone", "tel")),
    field(app.t("form.email"), input("email", "email")),
    field(app.t("form.note"), input("note", "text"), app.t("form.note.hint")),
  ];
  const next = (): void => {
    const all = Object.values(given).map((v) => v.trim());
    if (all.every((v) => v === "")) return fields[0]?.error(app.t("form.empty"));
    if (bytesOf(all.join("")) > MAX_IDENTITY) return fields[3]?.error(app.t("form.long"));
    app.show(review, form);
  };
  const none = (): void => {
    app.draft.identity = undefined;
    app.draft.councilId = undefined;
    app.show(review, identity);
  };
  return h(
    "section", {},
    steps(app, 4),
    h("h1", {}, app.t("form.title")),
    h("p", {}, app.t("form.explain")),
    ...fields.map((f) => f.box),
    h("div", { class: "actions" }, button(app.t("next"), next, "primary", { id: "next" }), button(app.t("identity.none"), none)),
  );
}
