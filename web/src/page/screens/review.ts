/** What goes out, before it does; then sending, with what is really happening. */
import type { App, Screen } from "../app.ts";
import { PRIVATE, button, field, freshId, h } from "../dom.ts";
import type { Failure, Phase } from "../protocol.ts";
import { identity } from "./identity.ts";
import { receipt } from "./receipt.ts";
import { category, place, steps, text } from "./report.ts";
import { start } from "./start.ts";

export function review(app: App): HTMLElement {
  const { draft } = app;
  const known = app.ready?.categories.find((c) => c.code === draft.category);
  const row = (title: string, words: string, change: () => void): HTMLElement =>
    h("div", { class: "row" }, h("dt", {}, title), h("dd", {}, words), h("dd", { class: "change" }, button(app.t("change"), change, "small quiet", { "aria-label": `${app.t("change")}: ${title}` })));
  const name = freshId();
  const option = (release: "urgent" | "batched"): HTMLElement => {
    const id = freshId();
    const radio = h("input", { type: "radio", name, id, checked: draft.release === release, autocomplete: "off" });
    radio.addEventListener("change", () => (draft.release = release));
    return h("p", { class: "check" }, radio, h("label", { for: id }, h("strong", {}, app.t(`release.${release}`)), ` ${app.t(`release.${release}.cost`)}`));
  };
  const given = draft.identity ? app.t("review.identity.sealed") : app.t("review.identity.none");
  return h(
    "section", {},
    steps(app, 5),
    h("h1", {}, app.t("review.title")),
    h(
      "dl", { class: "review" },
      row(app.t("review.category"), known ? app.words.pick(known) : draft.category, () => app.show(category, start)),
      row(app.t("review.text"), draft.text.trim(), () => app.show(text, category)),
      row(app.t("review.place"), draft.place.trim() || app.t("review.place.none"), () => app.show(place, text)),
      row(app.t("review.identity"), given, () => app.show(identity, place)),
    ),
    h("fieldset", {}, h("legend", {}, app.t("release.title")), option("batched"), option("urgent")),
    h("p", { class: "hint" }, app.t("review.lost")),
    h(
      "div", { class: "actions" },
      button(app.t("review.send"), () => app.show(sending("submit")), "primary", { id: "send" }),
      button(app.t("back"), () => app.show(identity, place)),
    ),
  );
}

const PHASES: readonly Phase[] = ["puzzle", "token", "seal", "send"];

function sending(call: "submit" | "again"): Screen {
  let begun = false;
  // Kept over a change of language, which draws the screen again.
  let at = -1;
  let part = 0;
  return (app) => {
    const bar = h("progress", { max: 1, value: 0, "aria-label": app.t("sending.title"), id: "progress" });
    const items = PHASES.map((phase) => h("li", { "data-phase": phase }, app.t(`sending.${phase}`)));
    const paint = (): void => {
      items.forEach((item, i) => (item.className = i < at ? "done" : i === at ? "now" : ""));
      bar.value = (Math.max(at, 0) + part) / PHASES.length;
    };
    app.engine.onProgress = ({ phase, done }) => {
      const now = PHASES.indexOf(phase);
      if (now !== at) app.say(app.t(`sending.${phase}`));
      [at, part] = [Math.max(at, now), done ?? 0];
      paint();
    };
    paint();
    if (!begun) {
      begun = true;
      void run(app, call);
    }
    return h("section", {}, h("h1", {}, app.t("sending.title")), bar, h("ol", { class: "phases" }, ...items), h("p", { class: "hint" }, app.t("sending.stay")));
  };
}

async function run(app: App, call: "submit" | "again"): Promise<void> {
  app.busy = true;
  const work = call === "submit" ? app.engine.call("submit", app.draft) : app.engine.call("again", undefined);
  const came = await app.attempt(work);
  app.engine.onProgress = () => {};
  app.busy = false;
  if ("failed" in came) return app.show(notSent(came.failed, came.failure));
  app.forget();
  app.sent = came.value;
  app.show(receipt);
}

/** Nothing is lost: the sealed report waits in memory, and goes out as it is. */
function notSent(words: string, failure: Failure): Screen {
  return (app) => {
    app.busy = true;
    let left = false;
    const again = (): void => {
      // A network that comes back sends nothing that is being changed meanwhile.
      if (left) return;
      left = true;
      app.show(sending(failure.kind === "refused" ? "submit" : "again"));
    };
    const edit = (): void => {
      left = true;
      app.busy = false;
      app.show(review, identity);
    };
    const code = h("input", { type: "text", ...PRIVATE, id: "voucher" });
    const typed = field(app.t("voucher.label"), code, app.t("voucher.hint"));
    const pay = async (): Promise<void> => {
      if (!(await app.prepare(code.value))) return typed.error(app.t("error.voucher"));
      again();
    };
    const wantsVoucher = failure.code === "not-found" || failure.code.startsWith("attestation");
    if (failure.kind === "unreachable") addEventListener("online", again, { once: true });
    return h(
      "section", {},
      h("h1", {}, app.t("not-sent.title")),
      h("p", { class: "banner warn", role: "alert" }, words),
      h("p", {}, app.t("not-sent.kept")),
      ...(wantsVoucher ? [typed.box, button(app.t("voucher.use"), () => void pay(), "primary")] : []),
      h(
        "div", { class: "actions" },
        button(app.t("again"), again, wantsVoucher ? "" : "primary", { id: "again" }),
        button(app.t("not-sent.edit"), edit, "", { id: "edit" }),
      ),
    );
  };
}
