// The restriction builder: rows and text are two views of one expression. The
// text area is what is posted; the server turns one into the other, so that
// there is one grammar. Whatever fails leaves the text area, which always works.
import { make, read, written, Rows } from "./builderrows.js";

const pause = 350;

// word gives the place that a fault speaks of: where the word there begins and
// ends. Columns count characters, so that an emoji is one.
function word(text, line, column) {
  const lines = text.split("\n");
  const start = lines.slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0);
  const here = lines[line - 1] ?? "";
  const from = [...here].slice(0, column - 1).join("").length;
  const size = /^[\w.]+/.exec(here.slice(from))?.[0].length ?? [...here.slice(from)][0]?.length ?? 0;
  return { line: here, from, to: from + size, start: start + from, end: start + from + size };
}

class Builder {
  constructor(box) {
    this.box = box;
    this.area = box.querySelector("textarea");
    this.exchange = box.dataset.exchange;
    this.view = box.querySelector("[data-builder-rows]");
    this.told = box.querySelector("[data-builder-told]");
    this.wrong = box.querySelector("[data-builder-wrong]");
    this.field = this.area.closest(".field");
    this.rows = new Rows(this.view, JSON.parse(box.dataset.fields), box.dataset, (said) => this.edited(said));
    this.turn = 0;
    this.late = false; // the rows say something that the text does not say yet
  }

  start() {
    this.buttons = [...this.box.querySelectorAll("[data-builder-view]")];
    for (const b of this.buttons) b.addEventListener("click", () => (b.dataset.builderView === "rows" ? this.toRows(true) : this.toText()));
    this.area.addEventListener("input", (e) => { if (e.isTrusted) this.soon(() => this.check()); });
    this.area.form?.addEventListener("submit", (e) => this.hold(e), { capture: true });
    // A page from the history gets its text back late: the rows follow.
    addEventListener("pageshow", () => {
      if (this.now !== "rows" || this.late || this.area.value === this.shown) return;
      this.now = "";
      this.toRows(false);
    });
    if (!this.area.hasAttribute("aria-invalid")) this.toRows(false);
    else this.show("text");
  }

  show(view) {
    this.now = view;
    for (const b of this.buttons) b.setAttribute("aria-pressed", String(b.dataset.builderView === view));
    this.view.hidden = view !== "rows";
    this.area.hidden = view === "rows";
    this.field.classList.toggle("in-rows", view === "rows");
  }

  soon(act) {
    clearTimeout(this.timer);
    this.timer = setTimeout(act, pause);
  }

  // ask gives the server's answer, or null when there is none or a newer question.
  async ask(question) {
    const turn = ++this.turn;
    this.box.setAttribute("aria-busy", "true");
    try {
      const r = await fetch(this.exchange, { method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams({ field: this.area.name, ...question }) });
      const answer = await r.json();
      if (!r.ok && !answer.errors) throw new Error(String(r.status));
      this.unanswered = false;
      return turn === this.turn ? answer : null;
    } catch {
      if (turn !== this.turn) return null;
      this.unanswered = true;
      this.say("The server did not answer. The text can still be edited and saved.");
      return null;
    } finally {
      if (turn === this.turn) this.box.removeAttribute("aria-busy");
    }
  }

  say(text) {
    if (this.told.textContent !== text) this.told.textContent = text;
  }

  async toRows(asked) {
    if (this.now === "rows") return;
    const empty = this.area.value.trim() === "";
    const answer = empty ? { outline: { all: [] }, sentence: "" } : await this.ask({ text: this.area.value });
    if (!answer?.outline) {
      this.show("text");
      if (answer?.errors) this.refuse(answer.errors[0], asked);
      return;
    }
    this.accept(answer.sentence);
    this.late = false;
    this.shown = this.area.value;
    this.rows.show(read(answer.outline));
    this.show("rows");
    if (asked) this.view.querySelector("select, button")?.focus();
  }

  async toText() {
    if (this.now === "text") return;
    // Without a server the text is all there is: the newest that was written.
    if (this.late && !(await this.settle()) && !this.unanswered) return;
    this.show("text");
    this.area.focus();
  }

  // edited follows each change of the rows.
  edited(said) {
    this.late = true;
    if (said) this.say(said);
    this.rows.complain();
    this.soon(() => this.settle(false));
  }

  // settle writes the rows into the text; it says whether that went well. Rows
  // that wait for their value are only named when somebody wants to go on.
  async settle(strict = true) {
    clearTimeout(this.timer);
    const open = this.rows.incomplete();
    if (open.length > 0) {
      if (!strict) this.say(open.length === 1 ? "One condition waits for its value." : `${open.length} conditions wait for their values.`);
      else this.blame(open.map((part) => ({ part, message: "enter a value" })));
      return false;
    }
    if (this.rows.root.parts.length === 0) {
      this.write("", "No conditions yet.");
      return true;
    }
    const answer = await this.ask({ outline: JSON.stringify(written(this.rows.root)) });
    if (!answer) return false;
    if (answer.errors) {
      this.blame(answer.errors.map((e) => ({ part: this.rows.at(e.path), message: e.message })), strict);
      return false;
    }
    this.write(answer.text, answer.sentence);
    return true;
  }

  write(text, sentence) {
    this.late = false;
    this.rows.complain();
    this.accept(sentence);
    this.shown = text;
    if (this.area.value === text) return;
    this.area.value = text;
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  blame(list, move = true) {
    this.rows.complain();
    for (const { part, message } of list) this.rows.complain(part, message);
    this.say(list.length === 1 ? "One condition needs mending." : `${list.length} conditions need mending.`);
    if (move) this.rows.focus(list[0].part, "value");
  }

  accept(sentence) {
    this.say(sentence ?? "");
    this.wrong.replaceChildren();
    this.area.removeAttribute("aria-invalid");
    this.field.classList.remove("has-error");
    const old = document.getElementById(`${this.area.id}-error`);
    if (old) old.hidden = true;
  }

  async check() {
    if (this.area.value.trim() === "") return this.accept("");
    const answer = await this.ask({ text: this.area.value });
    if (answer?.errors) this.refuse(answer.errors[0], false);
    else if (answer) this.accept(answer.sentence);
  }

  // refuse shows a fault of the text with the words around its place.
  refuse(fault, move) {
    this.accept("");
    this.area.setAttribute("aria-invalid", "true");
    this.field.classList.add("has-error");
    const mark = make("span", { class: "mark", "aria-hidden": "true" }, "✗");
    if (!fault.line) {
      this.wrong.replaceChildren(make("p", { class: "error" }, mark, ` ${fault.message}`));
      return;
    }
    const at = word(this.area.value, fault.line, fault.column);
    const go = () => { this.area.focus(); this.area.setSelectionRange(at.start, at.end); };
    this.wrong.replaceChildren(
      make("p", { class: "error" }, mark, ` Line ${fault.line}, column ${fault.column}: ${fault.message} `, make("button", { type: "button", class: "button plain", on: { click: go } }, "Go to the place")),
      make("pre", { class: "builder-place" }, at.line.slice(0, at.from), make("mark", {}, at.line.slice(at.from, at.to) || " "), at.line.slice(at.to)));
    if (move) go();
  }

  // hold keeps the form back until the text says what the rows say.
  hold(e) {
    if (this.now !== "rows" || !this.late) return;
    e.preventDefault();
    e.stopImmediatePropagation();
    this.settle().then((well) => { if (well) this.area.form.requestSubmit(e.submitter); });
  }
}

export function startBuilders(root) {
  for (const box of root.querySelectorAll("[data-builder][data-exchange]")) new Builder(box).start();
}
