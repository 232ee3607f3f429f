// Steps of one form: one panel at a time, the step in the address, so that Back,
// links to a field and a page that comes back with errors lead to the right one.

const panelOf = (hash) => {
  const id = decodeURIComponent(hash.slice(1));
  return id ? document.getElementById(id)?.closest("[data-step]") : null;
};

function show(stepper, panel) {
  for (const p of stepper.querySelectorAll("[data-step]")) p.hidden = p !== panel;
  for (const tab of stepper.querySelectorAll("[data-step-tab]")) {
    const on = panelOf(tab.hash) === panel;
    tab.setAttribute("aria-selected", on);
    tab.tabIndex = on ? 0 : -1;
  }
}

const tabOf = (stepper, panel) => [...stepper.querySelectorAll("[data-step-tab]")].find((t) => panelOf(t.hash) === panel);

function roles(stepper) {
  stepper.querySelector("nav").setAttribute("role", "tablist");
  for (const tab of stepper.querySelectorAll("[data-step-tab]")) {
    const panel = panelOf(tab.hash);
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
  }
}

// begin shows the step of the address, unless another one has what must be mended.
function begin(stepper) {
  const asked = panelOf(location.hash);
  const wrong = stepper.querySelector("[data-wrong]");
  const mine = asked && stepper.contains(asked) ? asked : null;
  show(stepper, mine?.matches("[data-wrong]") ? mine : wrong ?? mine ?? stepper.querySelector("[data-step]"));
}

function startKeys(stepper) {
  stepper.querySelector("nav").addEventListener("keydown", (e) => {
    const tabs = [...stepper.querySelectorAll("[data-step-tab]")];
    const at = tabs.indexOf(e.target.closest("[data-step-tab]"));
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[e.key];
    if (e.key === " ") e.target.click();
    else if (to === undefined) return;
    else {
      tabs[(to + tabs.length) % tabs.length].click();
    }
    e.preventDefault();
  });
}

// The address of the form keeps the step, and so does the page that answers.
function keepInForm(stepper) {
  const form = stepper.closest("form");
  form?.addEventListener("submit", () => {
    const now = stepper.querySelector("[data-step-tab][aria-selected=true]");
    const to = new URL(form.getAttribute("action") || "", location.href);
    to.hash = now.hash;
    form.action = to.href;
  });
}

export function startSteps(root) {
  const steppers = [...root.querySelectorAll("[data-steps]")];
  if (steppers.length === 0) return;
  for (const s of steppers) {
    roles(s);
    begin(s);
    startKeys(s);
    keepInForm(s);
    s.setAttribute("data-ready", "");
  }
  // A panel is shown before the browser goes to what the link names in it.
  const reveal = (hash) => {
    const panel = panelOf(hash);
    const stepper = panel?.closest("[data-steps]");
    if (!stepper) return null;
    show(stepper, panel);
    return stepper;
  };
  // Going to a panel takes the focus away from the tab: it is given back, at once
  // and again when the browser has gone there.
  let tab = null;
  const stay = () => {
    tab?.focus();
    tab?.closest("[data-steps]").scrollIntoView({ block: "nearest" });
  };
  root.addEventListener("click", (e) => {
    const link = e.target.closest("a[href^='#']");
    const stepper = link && reveal(link.hash);
    tab = stepper && link.matches("[data-step-tab], [data-step-move]") ? tabOf(stepper, panelOf(link.hash)) : null;
    if (tab) setTimeout(stay);
  });
  addEventListener("hashchange", () => {
    reveal(location.hash);
    stay();
    tab = null;
  });
}
