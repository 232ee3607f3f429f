// The live count: how many rows the texts of a form show, asked again whenever
// one of them changes and has rested for a moment.
import { make } from "./builderrows.js";

const pause = 500;
const marks = { ok: "✓", warn: "!", danger: "✗", unknown: "?" };

function table(columns, rows, caption) {
  return make("table", { class: "table" }, make("caption", { class: "unseen" }, caption),
    make("thead", {}, make("tr", {}, ...columns.map((c) => make("th", { scope: "col" }, c)))),
    make("tbody", {}, ...rows.map((r) => make("tr", {}, ...r.map((cell) => make("td", {}, cell))))));
}

class Count {
  constructor(box) {
    this.box = box;
    this.names = JSON.parse(box.dataset.names) ?? [];
    this.form = box.dataset.form ? document.getElementById(box.dataset.form) : null;
    this.head = box.querySelector("[data-count-head]");
    this.more = box.querySelector("[data-count-more]");
  }

  texts() {
    if (this.form) return [...new FormData(this.form)];
    return this.names.map((name) => [name, document.getElementsByName(name)[0]?.value ?? ""]);
  }

  start() {
    // A box that sets others says so by "change", once they are set.
    document.addEventListener(this.form ? "change" : "input", (e) => {
      if (this.form ? e.target.form !== this.form : !this.names.includes(e.target.name)) return;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.refresh(), pause);
    });
    if (!this.box.hasAttribute("data-filled")) this.refresh();
  }

  async refresh() {
    const texts = this.texts();
    const asked = JSON.stringify(texts);
    if (asked === this.asked) return;
    this.asked = asked;
    this.running?.abort();
    this.running = new AbortController();
    this.box.setAttribute("aria-busy", "true");
    try {
      const r = await fetch(this.box.dataset.liveCount, { method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams(texts), signal: this.running.signal });
      if (!r.ok) throw new Error(String(r.status));
      this.show(await r.json());
    } catch (e) {
      if (e.name === "AbortError") return;
      this.asked = undefined;
      this.show({ headline: "Not counted: the server did not answer.", meaning: "unknown" });
    }
    this.box.removeAttribute("aria-busy");
  }

  show({ headline, meaning, notes, columns, rows }) {
    this.head.className = `count-head is-${meaning || "neutral"}`;
    const mark = marks[meaning];
    this.head.replaceChildren(...(mark ? [make("span", { class: "mark", "aria-hidden": "true" }, mark), " "] : []), headline ?? "");
    this.more.replaceChildren(...(notes ?? []).map((n) => make("p", { class: "hint" }, n)));
    if (rows?.length) this.more.append(table(columns ?? [], rows, "Some of them"));
  }
}

export function startCounts(root) {
  for (const box of root.querySelectorAll("[data-live-count]")) new Count(box).start();
}
