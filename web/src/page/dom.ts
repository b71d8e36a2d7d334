/** Elements from plain values. Text only ever becomes text: there is no way from a string to markup here. */

type Child = Node | string | undefined | false;
type Props = Record<string, string | number | boolean | ((event: Event) => void) | undefined>;

/** `on…` are listeners, booleans are attributes that are there or not, the rest are attributes. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== undefined && child !== false));
  return element;
}

let ids = 0;
/** An id for a label or a description. */
export const freshId = (): string => `i${++ids}`;

export const button = (text: string, onclick: () => void, kind = "", more: Props = {}): HTMLButtonElement =>
  h("button", { type: "button", class: kind, onclick, ...more }, text);

/** A field with its label, a hint and room for an error, tied together for screen readers. */
export function field(
  label: string,
  control: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement,
  hint?: string,
): { box: HTMLElement; error: (text: string) => void } {
  const [hintId, errorId] = [freshId(), freshId()];
  const id = (control.id ||= freshId());
  const error = h("p", { id: errorId, class: "error", role: "alert" });
  control.setAttribute("aria-describedby", `${hint ? `${hintId} ` : ""}${errorId}`);
  const box = h("div", { class: "field" }, h("label", { for: id }, label), hint ? h("p", { id: hintId, class: "hint" }, hint) : undefined, control, error);
  const say = (text: string): void => {
    error.textContent = text;
    if (text === "") control.removeAttribute("aria-invalid");
    else control.setAttribute("aria-invalid", "true");
  };
  return { box, error: say };
}

/** What keeps browsers and keyboards from remembering what is typed. */
export const PRIVATE: Props = {
  autocomplete: "off", autocapitalize: "off", autocorrect: "off", spellcheck: "false",
  "data-1p-ignore": true, "data-lpignore": "true", "data-form-type": "other",
};
