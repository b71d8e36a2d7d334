/** Coming back: the receipt is typed, and nothing of it stays. */
import type { App } from "../app.ts";
import { PRIVATE, button, field, h } from "../dom.ts";
import { caseScreen } from "./case.ts";
import { start, state } from "./start.ts";

export function comeBack(app: App): HTMLElement {
  const input = h("textarea", { rows: 3, ...PRIVATE, id: "code", class: "mono" });
  const typed = field(app.t("back.label"), input, app.t("back.hint"));
  const open = button(app.t("back.open"), () => void look(), "primary", { id: "open", disabled: !app.ready });
  const look = async (): Promise<void> => {
    if (open.disabled || input.value.trim() === "") return input.focus();
    open.disabled = true;
    open.textContent = app.t("back.reading");
    app.say(app.t("back.reading"));
    const came = await app.attempt(app.engine.call("open", { text: input.value }));
    open.disabled = false;
    open.textContent = app.t("back.open");
    if ("failed" in came) return typed.error(came.failed), input.focus();
    input.value = "";
    app.found = came.value;
    app.show(caseScreen, start);
  };
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    void look();
  });
  return h(
    "section", {},
    h("h1", {}, app.t("back.title")),
    typed.box,
    app.ready ? undefined : state(app),
    h("div", { class: "actions" }, open, button(app.t("back"), () => app.show(start))),
    h("details", {}, h("summary", {}, app.t("back.lost")), h("p", {}, app.t("back.lost.words"))),
  );
}
