/**
 * The page as a whole: which screen is shown, what was written so far, and what must not be lost or left behind.
 *
 * All of it is in memory. Nothing goes into an address, a title, a cookie or any storage; leaving warns while something would be
 * lost, and quick exit leaves an empty page in this one's place.
 */
import { button, h } from "./dom.ts";
import { Engine, Failed } from "./engine.ts";
import { explain } from "./errors.ts";
import { DIRECTION, LANGUAGES, Words, type Key, type Language } from "./i18n.ts";
import type { CaseData, DraftData, Failure, Ready, Sent } from "./protocol.ts";

export type Screen = (app: App) => HTMLElement;

const empty = (): DraftData =>
  ({ category: "", text: "", language: "id", place: "", release: "batched", identity: undefined, councilId: undefined });

/** Two presses of Escape within this time are a quick exit. */
const TWICE_MS = 800;

export class App {
  readonly engine: Engine;
  words = new Words("id");
  draft = empty();
  ready: Ready | undefined;
  /** Why the installation could not be read. */
  broken: Failure | undefined;
  /** The receipt, as long as it is to be seen. */
  sent: Sent | undefined;
  found: CaseData | undefined;
  /** Something is on its way that would be lost. */
  busy = false;
  /** Where the back button leads. */
  private back: Screen | undefined;
  private screen: Screen;
  private guarded = false;
  private escaped = 0;
  private readonly live = h("div", { class: "visually-hidden", role: "status", "aria-live": "polite" });
  private readonly main = h("main", { id: "main", tabindex: "-1" });
  private readonly header = h("header");

  constructor(private readonly first: Screen, worker: string) {
    this.engine = new Engine(worker);
    this.screen = first;
    document.body.replaceChildren(this.header, this.main, this.live);
    this.draw();
    addEventListener("beforeunload", (event) => {
      if (this.atStake) event.preventDefault();
    });
    addEventListener("popstate", () => this.goBack());
    addEventListener("keydown", (event) => this.onKey(event));
    // What a page leaves in the browser's memory of tabs and in its back button: nothing.
    addEventListener("pagehide", () => this.wipe());
  }

  t(key: Key, values?: Record<string, string | number>): string {
    return this.words.t(key, values);
  }

  private get atStake(): boolean {
    return this.busy || this.draft.text !== "" || this.draft.place !== "" || this.draft.identity !== undefined || this.sent !== undefined;
  }

  /** Reads the installation; the screens that wait for it are drawn again. */
  async start(installation: string): Promise<void> {
    this.broken = undefined;
    try {
      this.ready = await this.engine.call("start", { installation, address: location.origin });
      this.prepare();
    } catch (error) {
      this.broken = failureOf(error);
    }
    this.redraw();
  }

  /** A token is fetched while the person reads and writes, so that time tells less. */
  prepare(voucher?: string): Promise<boolean> {
    return this.engine.call("prepare", { voucher }).then(() => true, () => false);
  }

  /** Shows a screen. `back` is where the back button leads from there. */
  show(screen: Screen, back?: Screen): void {
    this.screen = screen;
    this.back = back;
    // The same address, and nothing in its state: that somebody was here is all that the browser's history can tell.
    if (back && !this.guarded) {
      history.pushState(null, "");
      this.guarded = true;
    }
    this.draw();
    scrollTo(0, 0);
    const heading = this.main.querySelector<HTMLElement>("h1");
    heading?.setAttribute("tabindex", "-1");
    heading?.focus({ preventScroll: true });
  }

  private goBack(): void {
    this.guarded = false;
    const to = this.back;
    if (to) this.show(to, to === this.first ? undefined : this.first);
  }

  /** The same screen again: what is typed stands in `draft`, and what is focused is looked for again. */
  redraw(): void {
    this.draw();
  }

  /** Says something to who can't see it. */
  say(text: string): void {
    this.live.textContent = text;
  }

  /** Runs something that can fail; the words of a failure come back, and are said. */
  async attempt<T>(work: Promise<T>): Promise<{ value: T } | { failed: string; failure: Failure }> {
    try {
      return { value: await work };
    } catch (error) {
      const failure = failureOf(error);
      return { failed: explain(this.words, failure), failure };
    }
  }

  /** Whatever was written is forgotten. */
  forget(): void {
    this.draft = { ...empty(), language: this.words.language };
    this.sent = undefined;
    this.found = undefined;
    this.busy = false;
  }

  home(): void {
    this.forget();
    this.show(this.first);
  }

  private wipe(): void {
    for (const typed of document.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>("input, textarea")) typed.value = "";
    document.body.replaceChildren();
  }

  /** An empty page takes this one's place, also for the back button. */
  exit(): void {
    this.forget();
    this.engine.stop();
    this.wipe();
    location.replace("about:blank");
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key !== "Escape") return;
    const now = performance.now();
    if (now - this.escaped < TWICE_MS) this.exit();
    this.escaped = now;
  }

  private draw(): void {
    document.documentElement.lang = this.words.language;
    document.documentElement.dir = DIRECTION[this.words.language];
    document.title = this.t("title");
    const switches = LANGUAGES.map((language) => {
      const name = language === "id" ? "Indonesia" : "English";
      const current = language === this.words.language;
      return button(name, () => this.speak(language), "quiet", { lang: language, "aria-pressed": String(current) });
    });
    const exit = button(this.t("exit"), () => this.exit(), "exit", { title: this.t("exit.hint"), id: "exit" });
    this.header.replaceChildren(h("div", { class: "languages", role: "group", "aria-label": this.t("languages") }, ...switches), exit);
    const demo = this.ready?.demo ? h("p", { class: "banner", id: "demo" }, this.t("demo")) : undefined;
    const clock = this.ready?.clockBehind
      ? h("p", { class: "banner warn", role: "alert" }, this.t("clock", { span: this.words.span(this.ready.clockBehind) }))
      : undefined;
    this.main.replaceChildren(...[demo, clock, this.screen(this)].filter((part) => part !== undefined));
  }

  private speak(language: Language): void {
    this.words = new Words(language);
    this.draft.language = language;
    this.draw();
    this.header.querySelector<HTMLElement>(`[lang=${language}]`)?.focus();
  }
}

export function failureOf(error: unknown): Failure {
  return error instanceof Failed ? error.failure : { kind: "defect", code: error instanceof Error ? error.name : "unknown" };
}
