// The rule editor: thresholds come and go without a trip to the server. Without
// script the same buttons send the form and the page comes back changed.

function add(button) {
  const box = button.closest("[data-thresholds]");
  const row = box.querySelector("template").content.firstElementChild.cloneNode(true);
  const n = box.dataset.next++;
  for (const el of row.querySelectorAll("[name]")) {
    if (el.name.includes("%")) el.name = el.name.replace("%", n);
    else el.value = el.value.replace(/new$/, n);
  }
  button.before(row);
  row.querySelector("select, input").focus();
}

export function startRules(root) {
  root.addEventListener("click", (e) => {
    const plus = e.target.closest("[data-add-threshold]");
    const minus = e.target.closest("[data-remove-threshold]");
    if (!plus && !minus) return;
    e.preventDefault();
    if (plus) {
      add(plus);
      return;
    }
    const box = minus.closest("[data-thresholds]");
    minus.closest("[data-threshold]").remove();
    box.querySelector("[data-add-threshold]").focus();
    box.dispatchEvent(new Event("change", { bubbles: true }));
  });
}
