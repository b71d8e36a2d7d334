/** A case: is there news, in one look; then what happened, and what can be done. */
import type { App } from "../app.ts";
import { PRIVATE, button, field, freshId, h } from "../dom.ts";
import type { Key } from "../i18n.ts";
import type { CaseData, MessageData, StatusData, WriteData } from "../protocol.ts";
import { bytesOf } from "./report.ts";
import { openings } from "./openings.ts";

/** Bytes of a message, with room for all else inside it. */
const MAX_MESSAGE = 15_000;
/** Statuses that end a case. */
const ENDED = ["resolved", "declined"];

const now = (): number => Math.floor(Date.now() / 1000);
const isLate = (entry: StatusData | undefined): boolean =>
  entry?.due !== undefined && entry.due < now() && !ENDED.includes(entry.status);

export function caseScreen(app: App): HTMLElement {
  const c = app.found;
  if (!c) return h("section", {});
  const last = c.status.at(-1);
  const parts: (HTMLElement | undefined)[] = [
    h("h1", {}, app.t("case.title", { reference: c.reference })),
    c.erased ? h("p", { class: "banner", id: "erased" }, app.t("case.erased")) : news(app, c, last),
    openings(app, c),
  ];
  if (!c.erased) {
    parts.push(answer(app, c), timeline(app, c), messages(app, c), resolved(app, c, last), more(app));
  }
  return h("section", { class: "case" }, ...parts, actions(app));
}

/** The answer to "is there news?". */
function news(app: App, c: CaseData, last: StatusData | undefined): HTMLElement {
  const status = last ? app.t(`status.${last.status}` as Key) : app.t("status.received");
  const lines: HTMLElement[] = [h("p", { class: "status" }, h("strong", {}, status), last ? ` · ${app.words.date(last.at)}` : "")];
  if (isLate(last)) lines.push(h("p", { class: "late", id: "late" }, app.t("case.late", { date: app.words.date(last?.due ?? 0) })));
  else if (last?.due !== undefined && !ENDED.includes(last.status)) lines.push(h("p", {}, app.t("case.due", { date: app.words.date(last.due) })));
  if (last?.eta !== undefined) lines.push(h("p", {}, app.t("case.eta", { date: app.words.date(last.eta) })));
  if (c.question !== undefined) lines.push(h("p", { class: "strong" }, app.t("case.question")));
  if (c.openings.length > 0) lines.push(h("p", { class: "strong" }, app.words.count("case.openings", c.openings.length)));
  if (c.question === undefined && c.openings.length === 0 && c.messages.length === 0 && c.status.length <= 1) lines.push(h("p", {}, app.t("case.quiet")));
  lines.push(h("p", { class: "hint" }, app.t(c.sent ? "case.sent" : "case.waits", { date: app.words.date(c.deadline, true) })));
  return h("div", { class: "banner news", id: "news" }, ...lines);
}

/** A write, and the case as it is after it. */
async function send(app: App, what: WriteData, pressed: HTMLButtonElement, failed: (words: string) => void, done: Key): Promise<void> {
  pressed.disabled = true;
  app.busy = true;
  const came = await app.attempt(app.engine.call("write", what));
  app.busy = false;
  pressed.disabled = false;
  if ("failed" in came) return failed(came.failed);
  app.found = came.value;
  app.redraw();
  app.say(app.t(done));
}

/** A text and a button that sends it. */
function compose(app: App, id: string, label: string, hint: string | undefined, send_: string, what: (text: string) => WriteData, done: Key): HTMLElement {
  const area = h("textarea", { rows: 4, ...PRIVATE, id });
  const typed = field(label, area, hint);
  const go = button(send_, () => {
    const text = area.value.trim();
    if (text === "") return typed.error(app.t("text.empty")), area.focus();
    if (bytesOf(text) > MAX_MESSAGE) return typed.error(app.t("case.long")), area.focus();
    void send(app, what(text), go, typed.error, done);
  }, "primary", { id: `send-${id}` });
  return h("div", {}, typed.box, h("div", { class: "actions" }, go));
}

function answer(app: App, c: CaseData): HTMLElement | undefined {
  const question = c.messages.find((m) => m.seq === c.question);
  if (!question) return undefined;
  return h(
    "section", { class: "card", id: "question" },
    h("h2", {}, app.t("question.title")),
    h("blockquote", {}, question.text),
    compose(app, "answer", app.t("question.label"), app.t("question.hint"), app.t("question.send"), (text) => ({ kind: "answer", text, re: question.seq }), "question.sent"),
  );
}

function timeline(app: App, c: CaseData): HTMLElement {
  const item = (entry: StatusData, i: number): HTMLElement => {
    const last = i === c.status.length - 1;
    return h(
      "li", { class: last ? "now" : "done" },
      h("strong", {}, app.t(`status.${entry.status}` as Key)),
      h("span", {}, app.words.date(entry.at, true)),
      last && isLate(entry) ? h("span", { class: "late" }, app.t("case.late.short")) : undefined,
    );
  };
  const list = c.status.length === 0 ? h("p", { class: "hint" }, app.t("timeline.empty")) : h("ol", { class: "timeline" }, ...c.status.map(item));
  return h("section", {}, h("h2", {}, app.t("timeline.title")), list);
}

function messages(app: App, c: CaseData): HTMLElement {
  const gap = (m: MessageData): HTMLElement | undefined =>
    c.missing.some(([, end]) => end + 1 === m.seq) ? h("p", { class: "hint" }, app.t("message.missing")) : undefined;
  const item = (m: MessageData): HTMLElement =>
    h("li", { class: m.kind }, gap(m), h("strong", {}, app.t(m.kind === "question" ? "message.question" : "message.note")), h("p", {}, m.text));
  const list = c.messages.length === 0 ? h("p", { class: "hint" }, app.t("messages.empty")) : h("ul", { class: "messages" }, ...c.messages.map(item));
  return h("section", {}, h("h2", {}, app.t("messages.title")), list);
}

/** Once it is said to be done: how good it was, and whether it is true. */
function resolved(app: App, c: CaseData, last: StatusData | undefined): HTMLElement | undefined {
  if (!last || !ENDED.includes(last.status)) return undefined;
  return h("section", {}, rating(app, c), dispute(app, c));
}

function rating(app: App, c: CaseData): HTMLElement {
  if (c.rated) return h("p", { class: "hint", id: "rated" }, app.t("rating.given"));
  const error = h("p", { class: "error", role: "alert" });
  const star = (stars: number): HTMLElement => {
    const pressed = button(app.words.number(stars), () => void send(app, { kind: "rating", stars }, pressed, (words) => (error.textContent = words), "rating.given"), "star", {
      "aria-label": app.t("rating.stars", { n: stars }),
      "data-stars": stars,
    });
    return pressed;
  };
  return h(
    "section", { class: "card" },
    h("h2", {}, app.t("rating.title")),
    h("p", { class: "hint" }, app.t("rating.hint")),
    h("div", { class: "stars", role: "group", "aria-label": app.t("rating.title") }, ...[1, 2, 3, 4, 5].map(star)),
    error,
  );
}

const DISPUTES = ["not_done", "wrong_place", "false_proof", "other"] as const;

function dispute(app: App, c: CaseData): HTMLElement {
  if (c.disputed) return h("p", { class: "hint", id: "disputed" }, app.t("dispute.given"));
  let code: (typeof DISPUTES)[number] = "not_done";
  const name = freshId();
  const option = (each: (typeof DISPUTES)[number]): HTMLElement => {
    const id = freshId();
    const radio = h("input", { type: "radio", name, id, checked: each === code, autocomplete: "off" });
    radio.addEventListener("change", () => (code = each));
    return h("p", { class: "check" }, radio, h("label", { for: id }, app.t(`dispute.${each}`)));
  };
  return h(
    "details", { class: "card", id: "dispute" },
    h("summary", {}, app.t("dispute.title")),
    h("fieldset", {}, h("legend", {}, app.t("dispute.why")), ...DISPUTES.map(option)),
    compose(app, "dispute-text", app.t("dispute.label"), undefined, app.t("dispute.send"), (text) => ({ kind: "dispute", code, text }), "dispute.given"),
  );
}

/** A message without a question, and the end of the case. */
function more(app: App): HTMLElement {
  const error = h("p", { class: "error", role: "alert" });
  const id = freshId();
  const sure = h("input", { type: "checkbox", id, autocomplete: "off" });
  const erase = button(app.t("erase.do"), () => {
    if (!sure.checked) return sure.focus();
    void send(app, { kind: "erase" }, erase, (words) => (error.textContent = words), "case.erased");
  }, "danger", { id: "erase" });
  return h(
    "section", {},
    h(
      "details", { class: "card", id: "adding" },
      h("summary", {}, app.t("message.title")),
      compose(app, "message", app.t("message.label"), app.t("message.hint"), app.t("question.send"), (text) => ({ kind: "message", text }), "message.sent"),
    ),
    h(
      "details", { class: "card", id: "erasing" },
      h("summary", {}, app.t("erase.title")),
      h("p", {}, app.t("erase.explain")),
      h("p", { class: "check" }, sure, h("label", { for: id }, app.t("erase.sure"))),
      h("div", { class: "actions" }, erase),
      error,
    ),
  );
}

function actions(app: App): HTMLElement {
  return h("div", { class: "actions" }, button(app.t("case.close"), () => app.home(), "", { id: "close" }), button(app.t("exit"), () => app.exit(), "quiet"));
}
