// Permission trees: boxes that follow those below them, what was changed, and a
// search that unfolds what it finds.
import { asTree, first, keepStop } from "./tree.js";

const under = (branch) => [...branch.closest("li").querySelectorAll("input[data-was]")].filter((b) => b.name === branch.dataset.permsBranch);

// setAll ticks what is below a branch, or clears it when all of it was ticked.
// What the search hides stays as it is.
function setAll(branch) {
  const free = under(branch).filter((b) => !b.disabled && !b.closest("[hidden]"));
  const on = !free.every((b) => b.checked);
  for (const b of free) b.checked = on;
}

function showBranch(branch) {
  const all = under(branch);
  const on = all.filter((b) => b.checked).length;
  branch.checked = on > 0 && on === all.length;
  branch.indeterminate = on > 0 && on < all.length;
  const count = branch.closest("li").querySelector(`[data-perms-count="${branch.dataset.permsBranch}"]`);
  count.textContent = `${on} of ${all.length}`;
}

// showLeaf marks a box that is not as it is saved; it gives +1, -1 or 0.
function showLeaf(box) {
  const was = box.dataset.was === "on";
  const change = Number(box.checked) - Number(was);
  const mark = (box.closest(".perm-cell") ?? box.closest(".perm")).querySelector("[data-perms-change]");
  mark.textContent = ["− removed", "", "+ added"][change + 1];
  mark.classList.toggle("is-ok", change > 0);
  mark.classList.toggle("is-danger", change < 0);
  return change;
}

// The state of an item is that of its one box; where there are two, each box says
// its own.
function tellStates(perms) {
  if (perms.matches(".in-columns")) return;
  for (const item of perms.querySelectorAll("[role=treeitem]")) {
    const box = item.querySelector("input[type=checkbox]");
    if (!box) continue;
    item.setAttribute("aria-checked", box.indeterminate ? "mixed" : String(box.checked));
    if (box.disabled) item.setAttribute("aria-disabled", "true");
  }
}

function settle(perms) {
  perms.querySelectorAll("[data-perms-branch]").forEach(showBranch);
  const changes = [...perms.querySelectorAll("input[data-was]")].map(showLeaf);
  const gains = changes.filter((c) => c > 0).length;
  const loses = changes.filter((c) => c < 0).length;
  const says = gains + loses === 0 ? "No changes yet" : `Gains ${gains}, loses ${loses}`;
  const sum = perms.querySelector("[data-perms-sum]");
  if (sum.textContent !== says) sum.textContent = says;
  tellStates(perms);
}

// what can be searched in an item: its own row and the names above it.
function haystack(item) {
  let text = "";
  for (let up = item; up; up = up.parentElement.closest("li")) {
    const row = up.querySelector(":scope > .perm, :scope > details > .perm");
    text += " " + (up === item ? row : row.querySelector("[data-perms-name]")).textContent;
  }
  return text.toLowerCase();
}

// find hides what does not match, unfolds what does, and gives the number of
// operations found; an empty search folds everything as it was.
function find(perms, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const folds = [...perms.querySelectorAll("details")];
  if (words.length && !perms.hasAttribute("data-finding")) {
    for (const d of folds) d.toggleAttribute("data-opened", d.open);
  }
  let found = 0;
  for (const item of perms.querySelectorAll("[role=treeitem]")) {
    if (item.querySelector("details")) continue;
    const hay = haystack(item);
    item.hidden = !words.every((w) => hay.includes(w));
    if (!item.hidden) found++;
  }
  for (const d of folds.reverse()) { // the innermost first
    d.parentElement.hidden = !d.querySelector(":scope > ul > li:not([hidden])");
    if (words.length) d.open = true;
    else if (perms.hasAttribute("data-finding")) d.open = d.hasAttribute("data-opened");
  }
  perms.toggleAttribute("data-finding", words.length > 0);
  return words.length ? found : -1;
}

function startSearch(perms, tree) {
  const box = perms.querySelector("[data-perms-search]");
  const says = perms.querySelector("[data-perms-found]");
  const go = () => {
    const found = find(perms, box.value);
    says.textContent = found < 0 ? "" : found === 1 ? "1 match" : `${found} matches`;
    keepStop(tree);
  };
  box.addEventListener("input", go);
  box.addEventListener("keydown", (e) => {
    if (e.key === "Enter" || e.key === "ArrowDown") {
      e.preventDefault(); // Enter would send the form
      first(tree, (i) => box.value === "" || !i.querySelector("details"));
    } else if (e.key === "Escape" && box.value) {
      e.preventDefault();
      box.value = "";
      go();
    }
  });
  if (box.value) go(); // the browser may keep what was typed
}

export function startPermissions(root) {
  for (const perms of root.querySelectorAll("[data-perms]")) {
    const tree = perms.querySelector("[data-perms-tree]");
    if (!tree) continue;
    asTree(tree);
    perms.addEventListener("change", (e) => {
      if (e.target.matches("[data-perms-branch]")) setAll(e.target);
      settle(perms);
    });
    perms.addEventListener("click", (e) => {
      const button = e.target.closest("[data-perms-fold]");
      if (!button) return;
      for (const d of tree.querySelectorAll("details")) d.open = button.dataset.permsFold === "open";
    });
    perms.closest("form")?.addEventListener("reset", () => setTimeout(() => settle(perms)));
    startSearch(perms, tree);
    settle(perms);
  }
}
