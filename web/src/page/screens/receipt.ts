/** The receipt: shown once. What it is, that nobody can bring it back, and whether it was really written down. */
import type { App } from "../app.ts";
import { PRIVATE, button, freshId, h } from "../dom.ts";

/** Groups that are asked back. */
const ASKED = 3;

export function receipt(app: App): HTMLElement {
  const { sent } = app;
  if (!sent) return h("section", {});
  const groups = sent.receipt.split("-");
  const list = h("ol", { class: "receipt", id: "receipt", translate: "no" }, ...groups.map((group) => h("li", {}, group)));
  const copied = h("p", { class: "hint", role: "status" });
  const copy = (): void => {
    const said = (key: "receipt.copied" | "receipt.not-copied"): void => void (copied.textContent = app.t(key));
    void navigator.clipboard?.writeText(sent.receipt).then(() => said("receipt.copied"), () => said("receipt.not-copied"));
  };
  return h(
    "section", { class: "keep" },
    h("h1", {}, app.t("receipt.title")),
    h("p", {}, app.t("receipt.accepted", { reference: sent.reference })),
    h("p", { class: "strong" }, app.t("receipt.what")),
    list,
    h(
      "ul", { class: "points" },
      h("li", {}, app.t("receipt.once")),
      h("li", {}, app.t("receipt.nobody")),
      h("li", {}, app.t("receipt.bearer")),
      h("li", {}, app.t("receipt.deadline", { date: app.words.date(sent.deadline, true) })),
    ),
    copied,
    h(
      "div", { class: "actions" },
      button(app.t("receipt.written"), () => app.show(check), "primary", { id: "written" }),
      button(app.t("receipt.print"), () => print()),
      button(app.t("receipt.copy"), copy, "quiet", { title: app.t("receipt.copy.hint") }),
    ),
    h("p", { class: "hint" }, app.t("receipt.copy.hint")),
  );
}

/** Which groups are asked: spread over the nine, others each time. */
function pick(): number[] {
  const random = crypto.getRandomValues(new Uint8Array(ASKED));
  return Array.from(random, (byte, i) => i * 3 + (byte % 3));
}

function check(app: App): HTMLElement {
  const { sent } = app;
  if (!sent) return h("section", {});
  const groups = sent.receipt.split("-");
  const asked = pick().map((at) => {
    const [id, says] = [freshId(), freshId()];
    const input = h("input", { type: "text", maxlength: 12, ...PRIVATE, id, "data-group": at + 1, "aria-describedby": says });
    const error = h("p", { class: "error", id: says, role: "alert" });
    const box = h("div", { class: "field" }, h("label", { for: id }, app.t("check.group", { n: at + 1 })), input, error);
    return { at, input, error, box };
  });
  const done = (): void => {
    let right = true;
    for (const { at, input, error } of asked) {
      const fits = input.value.trim().toLowerCase() === groups[at];
      error.textContent = fits ? "" : app.t("check.wrong");
      if (!fits && right) input.focus();
      right &&= fits;
    }
    if (!right) return;
    const { reference } = sent;
    app.forget();
    app.show(finished(reference));
  };
  return h(
    "section", {},
    h("h1", {}, app.t("check.title")),
    h("p", {}, app.t("check.explain")),
    ...asked.map((a) => a.box),
    h(
      "div", { class: "actions" },
      button(app.t("check.done"), done, "primary", { id: "check" }),
      button(app.t("check.see"), () => app.show(receipt), "", { id: "see-again" }),
    ),
  );
}

const finished = (reference: string) => (app: App): HTMLElement =>
  h(
    "section", { id: "finished" },
    h("h1", {}, app.t("finished.title")),
    h("p", {}, app.t("finished.next", { reference })),
    h("p", {}, app.t("finished.back")),
    h("p", { class: "hint" }, app.t("finished.traces")),
    h("div", { class: "actions" }, button(app.t("exit"), () => app.exit(), "primary"), button(app.t("home"), () => app.home())),
  );
