/** Whether anybody asked who the reporter is: every step, with what shows that it is so. */
import type { Opening, Step } from "../../client/openings.ts";
import type { App } from "../app.ts";
import { h } from "../dom.ts";
import type { Key } from "../i18n.ts";
import type { CaseData } from "../protocol.ts";

/** By which list of the policy a step's code is read. */
const LIST: Partial<Record<Step["what"], string>> = { requested: "reason", approved: "reason", refused: "refusal", withdrawn: "refusal", failed: "failure" };

export function openings(app: App, c: CaseData): HTMLElement {
  const until = app.words.date(c.witnessed, true);
  const looked = { n: app.words.number(c.logSize), date: until };
  if (c.openings.length === 0) return h("p", { class: "hint", id: "no-openings" }, app.t("openings.none", looked));
  return h(
    "section", { class: "openings", id: "openings", role: "region", "aria-label": app.t("openings.title") },
    h("h2", {}, app.t("openings.title")),
    ...c.openings.map((opening) => one(app, opening)),
    h("p", { class: "hint" }, app.t("openings.proof", looked)),
  );
}

function one(app: App, o: Opening): HTMLElement {
  const readable = o.readable && (o.status === "released" || o.status === "lapsed");
  const key = `opening.${o.status}${readable ? ".readable" : ""}` as Key;
  const status = app.t(key, { date: o.cooledAt === undefined ? "" : app.words.date(o.cooledAt, true) });
  const bad = readable || ["opened", "released"].includes(o.status);
  const deferred = o.deferredUntil === undefined ? undefined
    : h("p", {}, app.t("opening.deferred", { date: app.words.date(o.deferredUntil, true), why: code(app, "deferral", o.deferral) }));
  return h(
    "article", { class: `banner ${bad ? "warn" : ""}`, "data-status": o.status },
    h("p", { class: "strong" }, status),
    deferred,
    h("ol", { class: "timeline" }, ...o.steps.map((step) => line(app, step))),
  );
}

function code(app: App, list: string, wanted: string | undefined): string {
  const found = app.ready?.codes[list]?.find((entry) => entry.code === wanted);
  return found ? app.words.pick(found) : (wanted ?? "");
}

function line(app: App, step: Step): HTMLElement {
  const who = step.by.length === 0 ? app.t("step.outside") : app.t("step.officials", { list: app.words.list(step.by) });
  const why = LIST[step.what] ? code(app, LIST[step.what] ?? "", step.code) : (step.code ?? "");
  const basis = code(app, "legal_basis", step.legalBasis);
  const beside = step.what !== "released" ? "" : app.t(step.byAuditor ? "step.auditor" : step.early ? "step.early" : "step.waited");
  return h(
    "li", { "data-step": step.what },
    h("span", {}, app.t(`step.${step.what}`, { who, why, basis }), beside === "" ? "" : ` ${beside}`),
    h("span", { class: "hint" }, app.t("step.proof", { entry: app.words.number(step.entry), date: app.words.date(step.witnessed, true) })),
  );
}
