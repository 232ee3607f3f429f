// Forms: one press sends once, filters send themselves, errors get the focus.

// A page that comes back from the history must be usable again.
function free(root) {
  for (const b of root.querySelectorAll("button[aria-busy]")) b.removeAttribute("aria-busy");
  for (const f of root.querySelectorAll("form[data-sent]")) f.removeAttribute("data-sent");
}

function startSending(root) {
  root.addEventListener("submit", (e) => {
    const form = e.target;
    if (e.defaultPrevented || form.getAttribute("method") !== "post") return;
    if (form.hasAttribute("data-sent")) {
      e.preventDefault();
      return;
    }
    form.setAttribute("data-sent", "");
    e.submitter?.setAttribute("aria-busy", "true");
    // An answer that is a file leaves the page standing: give the form back.
    setTimeout(() => free(root), 15_000);
  });
  addEventListener("pageshow", (e) => { if (e.persisted) free(root); });
}

// Empty filters stay out of the address, so that it can be read and shared.
function startFilters(root) {
  for (const form of root.querySelectorAll("form[data-auto-send]")) {
    form.addEventListener("change", (e) => {
      if (e.target.matches("select")) form.requestSubmit();
    });
    form.addEventListener("formdata", (e) => {
      for (const [name, value] of [...e.formData]) if (value === "") e.formData.delete(name);
    });
  }
}

export function startForms(root) {
  startSending(root);
  startFilters(root);
  const wrong = root.querySelector("[data-focus-now]");
  if (wrong && (!wrong.closest("dialog") || wrong.closest("dialog").open)) wrong.focus();
}
