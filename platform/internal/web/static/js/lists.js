// Tables: a row opens by click, j and k move, boxes select.

const typing = (el) => el?.closest?.("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
const links = (root) => [...root.querySelectorAll("[data-rows] .row-link")].filter((a) => a.offsetParent);

// move focuses the next (+1) or previous (-1) row; it says whether there was one.
export function move(root, by) {
  const list = links(root);
  if (list.length === 0) return false;
  const row = document.activeElement?.closest?.("tr");
  let at = list.findIndex((a) => row && row.contains(a));
  if (at < 0) at = by > 0 ? -1 : list.length;
  const next = list[Math.min(Math.max(at + by, 0), list.length - 1)];
  next.focus();
  next.closest("tr").scrollIntoView({ block: "nearest" });
  return true;
}

// The row that is open beside the list stands in sight.
function showCurrent(root) {
  for (const row of root.querySelectorAll(".table-scroll tr[aria-current]")) {
    const box = row.closest(".table-scroll");
    if (row.offsetTop + row.offsetHeight > box.clientHeight) box.scrollTop = row.offsetTop - box.clientHeight / 2;
  }
}

function startRows(root) {
  showCurrent(root);
  root.addEventListener("click", (e) => {
    const row = e.target.closest("[data-rows] tr.opens");
    if (!row || e.target.closest("a, button, input, label, select, summary")) return;
    if (String(getSelection())) return;
    const link = row.querySelector(".row-link");
    if (!link) return;
    if (e.metaKey || e.ctrlKey) open(link.href, "_blank", "noopener");
    else link.click();
  });
}

function startSelection(root) {
  for (const all of root.querySelectorAll("[data-select-all]")) {
    const boxes = [...all.closest("table").querySelectorAll("tbody input[type=checkbox]")];
    const show = () => {
      const on = boxes.filter((b) => b.checked).length;
      all.checked = on > 0 && on === boxes.length;
      all.indeterminate = on > 0 && on < boxes.length;
    };
    all.addEventListener("change", () => {
      for (const b of boxes) b.checked = all.checked;
    });
    for (const b of boxes) b.addEventListener("change", show);
    show();
  }
}

export { typing };

export function startLists(root) {
  startRows(root);
  startSelection(root);
}
