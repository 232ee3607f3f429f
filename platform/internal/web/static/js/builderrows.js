// The rows of the restriction builder: an outline as groups and conditions that
// the hand and the keyboard can edit. It asks no server; it reports each change.

let keys = 0;

// make builds an element: make("p", {class: "hint"}, "text", child).
export function make(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, act] of Object.entries(value)) el.addEventListener(event, act);
    else if (value === true) el.setAttribute(name, "");
    else if (value !== false && value != null) el.setAttribute(name, value);
  }
  el.append(...children.filter((c) => c != null));
  return el;
}

// read turns the server's outline into parts that know a key of their own.
export function read(json) {
  const key = ++keys;
  const list = json.all ?? json.any;
  if (list) return { key, join: json.all ? "all" : "any", not: Boolean(json.not), parts: list.map(read) };
  return { key, field: json.field, compare: json.compare, values: [...json.values] };
}

// written is the outline that is sent.
export function written(part) {
  if (!part.join) return { field: part.field, compare: part.compare, values: part.values };
  const out = { [part.join]: part.parts.map(written) };
  if (part.not) out.not = true;
  return out;
}

const many = (compare) => compare === "one_of" || compare === "none_of";
const joins = [["all", "all of these hold"], ["any", "any of these holds"], ["any!", "none of these holds"], ["all!", "not all of these hold"]];

function option(value, label, chosen) {
  const o = make("option", { value }, label);
  o.selected = value === chosen;
  return o;
}

export class Rows {
  constructor(box, fields, { noun, lead }, changed) {
    Object.assign(this, { box, fields, noun, lead, changed });
    this.byName = new Map(fields.map((f) => [f.name, f]));
    // Enter ends a value; it never sends the form around the rows.
    for (const press of ["keydown", "keypress"]) {
      box.addEventListener(press, (e) => { if (e.key === "Enter" && e.target.matches("input")) e.preventDefault(); });
    }
  }

  show(root) {
    this.root = root;
    this.draw();
  }

  // incomplete lists the conditions that still lack their value. An empty text
  // or list that came with the expression means what it says.
  incomplete(part = this.root) {
    if (part.join) return part.parts.flatMap((p) => this.incomplete(p));
    const empty = many(part.compare) ? part.values.length === 0 : (part.values[0] ?? "") === "";
    return empty && part.touched ? [part] : [];
  }

  // at finds the part that a path of a fault speaks of: all.0.any.1.values.0.
  at(path) {
    const steps = path.split(".");
    let part = this.root;
    while ((steps[0] === "all" || steps[0] === "any") && part.parts?.[steps[1]]) {
      part = part.parts[steps[1]];
      steps.splice(0, 2);
    }
    return part;
  }

  // complain puts a fault under its row; complain() takes all of them away.
  complain(part, message) {
    if (!part) {
      for (const p of this.box.querySelectorAll("[data-fault]")) p.replaceChildren();
      for (const c of this.box.querySelectorAll("[aria-invalid]")) c.removeAttribute("aria-invalid");
      for (const c of this.box.querySelectorAll("[data-use=value][aria-describedby]")) c.removeAttribute("aria-describedby");
      return;
    }
    const row = this.box.querySelector(`[data-part="${part.key}"]`);
    const place = row?.querySelector("[data-fault]");
    if (!place) return;
    place.replaceChildren(make("span", { class: "mark", "aria-hidden": "true" }, "✗"), ` ${message[0].toUpperCase()}${message.slice(1)}`);
    if (part.join) return;
    place.id = `fault-${part.key}`;
    for (const c of row.querySelectorAll("[data-use=value]")) {
      c.setAttribute("aria-invalid", "true");
      c.setAttribute("aria-describedby", place.id);
    }
  }

  focus(part, use) {
    const row = this.box.querySelector(`[data-part="${part.key}"]`);
    const target = row?.querySelector(`:scope > .builder-line [data-use="${use}"]`) ?? row?.querySelector("select, input, button");
    target?.focus();
  }

  // edit changes the tree, draws it again and puts the focus where the hand was.
  edit(change, part, use, said) {
    change();
    this.draw();
    if (part) this.focus(part, use);
    this.changed(said);
  }

  draw() {
    this.box.replaceChildren(this.group(this.root, null, 0));
  }

  group(part, parent, depth) {
    const name = depth === 0 ? `Conditions on ${this.noun}` : "Group";
    const choose = make("select", { "data-use": "join", "aria-label": `${name}: how many must hold`, on: { change: (e) => {
      this.edit(() => { part.join = e.target.value.slice(0, 3); part.not = e.target.value.endsWith("!"); }, part, "join");
    } } }, ...joins.map(([value, label]) => option(value, label, part.join + (part.not ? "!" : ""))));
    const line = make("div", { class: "builder-line" }, make("span", { class: "builder-word" }, depth === 0 ? this.lead : "where"), choose,
      parent && this.tools(part, parent, "group"));
    const list = make("ol", { class: "builder-parts" }, ...part.parts.map((p) => make("li", {}, this.part(p, part, depth + 1))));
    const add = make("div", { class: "builder-add" },
      make("button", { type: "button", class: "button plain add", "data-use": "add", on: { click: () => this.add(part, this.blank()) } }, "Add condition"),
      make("button", { type: "button", class: "button plain add", on: { click: () => this.add(part, { key: ++keys, join: part.join === "all" ? "any" : "all", not: false, parts: [this.blank()] }) } }, "Add group"));
    return make("div", { class: "builder-group", role: "group", "aria-label": name, "data-part": part.key }, line, this.fault(), list, add);
  }

  part(part, parent, depth) {
    if (part.join && part.parts.length > 0) return this.group(part, parent, depth);
    if (part.join) {
      const says = (part.join === "all") !== part.not ? "Always holds" : "Never holds";
      return make("div", { class: "builder-row", "data-part": part.key }, make("div", { class: "builder-line" }, make("span", { class: "builder-word" }, says), this.tools(part, parent, "constant")), this.fault());
    }
    return make("div", { class: "builder-row", role: "group", "aria-label": this.label(part), "data-part": part.key },
      make("div", { class: "builder-line" }, this.fieldChoice(part), this.compareChoice(part), this.value(part), this.tools(part, parent, "condition")), this.fault());
  }

  fault() { return make("p", { class: "error", "data-fault": "", role: "status" }); }

  label(part) { return `Condition on ${this.byName.get(part.field)?.label ?? part.field}`; }

  fieldChoice(part) {
    const groups = Map.groupBy(this.fields, (f) => f.group);
    const select = make("select", { "data-use": "field", "aria-label": "Field", on: { change: (e) => {
      this.edit(() => Object.assign(part, this.blank(e.target.value), { key: part.key }), part, "field");
    } } });
    for (const [group, fields] of groups) {
      const options = fields.map((f) => option(f.name, f.label, part.field));
      select.append(...(group ? [make("optgroup", { label: group }, ...options)] : options));
    }
    return select;
  }

  compareChoice(part) {
    const menu = this.byName.get(part.field)?.compare ?? [];
    return make("select", { "data-use": "compare", "aria-label": "Comparison", on: { change: (e) => {
      this.edit(() => {
        part.compare = e.target.value;
        part.touched = true;
        if (!many(part.compare)) part.values = part.values.slice(0, 1);
        else part.values = part.values.filter((v) => v !== "" && v !== "today");
        if (!many(part.compare) && part.values.length === 0) part.values = [this.first(part.field)];
      }, part, "compare");
    } } }, ...menu.map((c) => option(c.value, c.label, part.compare)));
  }

  // first is the value that a fresh condition has: none, unless it is chosen from a list.
  first(name) {
    const f = this.byName.get(name);
    return f?.kind === "yes_no" ? "true" : f?.values[0]?.value ?? "";
  }

  blank(name) {
    const f = this.byName.get(name) ?? this.fields[0];
    const known = f.values.length > 0 && f.compare.some((c) => c.value === "one_of");
    const compare = known ? "one_of" : f.compare[0].value;
    return { key: ++keys, touched: true, field: f.name, compare, values: many(compare) ? [] : [this.first(f.name)] };
  }

  add(group, part) {
    this.edit(() => group.parts.push(part), part.join ? part.parts[0] : part, "field", "Added");
  }

  put(part, values) {
    part.values = values;
    part.touched = true;
    this.changed();
  }

  // Every kind of value has a control of its own.
  value(part) {
    const f = this.byName.get(part.field);
    const set = (v) => this.put(part, [v]);
    if (many(part.compare)) return f?.values.length > 0 ? this.choices(part, f) : this.typed(part, f);
    if (f?.kind === "yes_no") return this.select(part, [{ value: "true", label: "Yes" }, { value: "false", label: "No" }], set);
    if (f?.values.length > 0) return this.select(part, f.values, set);
    const input = make("input", { type: "text", "data-use": "value", "aria-label": "Value", autocomplete: "off", spellcheck: "false", class: f?.kind === "money" || f?.kind === "whole" ? "figures" : null,
      inputmode: { money: "decimal", whole: "numeric", date: "numeric" }[f?.kind], placeholder: { money: "250.00", whole: "30", date: "YYYY-MM-DD" }[f?.kind],
      on: { input: (e) => set(e.target.value.trim() === "" ? "" : f?.kind === "text" ? e.target.value : e.target.value.trim()) } });
    input.value = part.values[0] ?? "";
    return f?.today ? this.dated(part, input) : input;
  }

  dated(part, input) {
    const now = part.values[0] === "today";
    input.disabled = now;
    if (now) input.value = "";
    return make("span", { class: "builder-date" }, input, make("button", { type: "button", class: "button quiet", "data-use": "today", "aria-pressed": String(now), on: { click: () => {
      this.edit(() => Object.assign(part, { values: [now ? "" : "today"], touched: true }), part, now ? "value" : "today");
    } } }, "Today"));
  }

  select(part, values, set) {
    const list = values.some((v) => v.value === part.values[0]) ? values : [{ value: part.values[0], label: part.values[0] || "—" }, ...values];
    return make("select", { "data-use": "value", "aria-label": "Value", on: { change: (e) => set(e.target.value) } }, ...list.map((v) => option(v.value, v.label, part.values[0])));
  }

  // choices is a list of boxes that opens under its summary.
  choices(part, f) {
    const known = [...f.values, ...part.values.filter((v) => !f.values.some((k) => k.value === v)).map((v) => ({ value: v, label: v }))];
    const names = () => known.filter((k) => part.values.includes(k.value)).map((k) => k.label);
    const summary = make("summary", { class: "builder-chosen", "data-use": "value" });
    const tell = () => summary.replaceChildren(names().join(", ") || "Choose…", make("span", { class: "unseen" }, `, values of ${f.label}`));
    tell();
    const boxes = known.map((k) => {
      const box = make("input", { type: "checkbox", on: { change: () => {
        this.put(part, box.checked ? [...part.values, k.value] : part.values.filter((v) => v !== k.value));
        tell();
      } } });
      box.checked = part.values.includes(k.value);
      return make("label", {}, box, make("span", {}, k.label));
    });
    const find = known.length > 8 && make("input", { type: "search", "aria-label": `Find values of ${f.label}`, placeholder: "Find", autocomplete: "off", on: { input: (e) => {
      for (const b of boxes) b.hidden = !b.textContent.toLowerCase().includes(e.target.value.trim().toLowerCase());
    } } });
    const details = make("details", { class: "builder-many", on: {
      keydown: (e) => { if (e.key === "Escape" && details.open) { details.open = false; summary.focus(); e.stopPropagation(); } },
      focusout: (e) => { if (e.relatedTarget && !details.contains(e.relatedTarget)) details.open = false; },
    } }, summary, make("div", { class: "builder-boxes", role: "group", "aria-label": `Values of ${f.label}` }, ...(find ? [find] : []), ...boxes));
    return details;
  }

  // typed is a list of values that nobody knows beforehand.
  typed(part, f) {
    const list = make("ul", { class: "builder-values" });
    const input = make("input", { type: "text", "data-use": "value", "aria-label": `Add a value of ${f?.label ?? part.field}`, placeholder: "Add a value", autocomplete: "off", spellcheck: "false", class: "short" });
    const tell = () => list.replaceChildren(...part.values.map((v, i) => make("li", { class: "badge is-neutral" }, v === "" ? "“”" : v,
      make("button", { type: "button", class: "builder-drop", "aria-label": `Remove ${v || "the empty text"}`, on: { click: () => { this.put(part, part.values.toSpliced(i, 1)); tell(); input.focus(); } } }, "✕"))));
    const take = () => {
      const v = f?.kind === "text" ? input.value : input.value.trim();
      if (v.trim() === "") return;
      input.value = "";
      this.put(part, [...part.values.filter((old) => old !== v), v]);
      tell();
    };
    input.addEventListener("keydown", (e) => {
      if (e.key === "Enter") take();
      if (e.key === "Backspace" && input.value === "" && part.values.length > 0) { this.put(part, part.values.slice(0, -1)); tell(); }
    });
    input.addEventListener("change", take);
    tell();
    return make("span", { class: "builder-typed" }, list, input);
  }

  tools(part, parent, what) {
    const button = (sign, label, use, act, off) => make("button", { type: "button", class: "icon-button", "aria-label": `${label} ${what}`, title: label, "data-use": use, disabled: off, on: { click: act } }, sign);
    return make("span", { class: "builder-tools" },
      button("↑", "Move up", "up", () => this.move(part, parent, -1), !this.target(part, parent, -1)),
      button("↓", "Move down", "down", () => this.move(part, parent, 1), !this.target(part, parent, 1)),
      button(make("span", { class: "builder-twin", "aria-hidden": "true" }), "Duplicate", "copy", () => this.copy(part, parent)),
      button("✕", "Remove", "remove", () => this.remove(part, parent)));
  }

  // target says where a part goes: past its neighbour, into a neighbouring
  // group, or out of its own. Nowhere is null.
  target(part, parent, by) {
    const at = parent.parts.indexOf(part);
    const next = parent.parts[at + by];
    if (next?.join && next.parts.length > 0) return { group: next, at: by > 0 ? 0 : next.parts.length };
    if (next) return { group: parent, at: at + by };
    const out = this.parentOf(parent);
    return out && { group: out, at: out.parts.indexOf(parent) + (by > 0 ? 1 : 0) };
  }

  parentOf(part, within = this.root) {
    if (!within.join) return null;
    if (within.parts.includes(part)) return within;
    for (const p of within.parts) {
      const found = this.parentOf(part, p);
      if (found) return found;
    }
    return null;
  }

  move(part, parent, by) {
    const to = this.target(part, parent, by);
    if (!to) return;
    this.edit(() => {
      parent.parts.splice(parent.parts.indexOf(part), 1);
      to.group.parts.splice(to.at, 0, part);
      this.tidy(parent);
    }, part, by < 0 ? "up" : "down", "Moved");
    if (document.activeElement?.disabled || document.activeElement === document.body) this.focus(part, by < 0 ? "down" : "up");
  }

  // A group that has lost its last part goes too.
  tidy(group) {
    const parent = group.parts.length === 0 && this.parentOf(group);
    if (!parent) return;
    parent.parts.splice(parent.parts.indexOf(group), 1);
    this.tidy(parent);
  }

  copy(part, parent) {
    const twin = read(written(part));
    this.edit(() => parent.parts.splice(parent.parts.indexOf(part) + 1, 0, twin), twin, "copy", "Duplicated");
  }

  remove(part, parent) {
    const at = parent.parts.indexOf(part);
    const next = parent.parts[at + 1] ?? parent.parts[at - 1];
    this.edit(() => { parent.parts.splice(at, 1); this.tidy(parent); }, next ?? this.root, next ? "remove" : "add", "Removed");
    if (!next) this.box.querySelector("[data-use=add]")?.focus();
  }
}
