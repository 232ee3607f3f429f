// A list of lists that unfold becomes a tree for the keyboard and for screen
// readers: one stop for Tab, arrows to move, fold and unfold, Space to tick,
// letters to jump. It knows nothing of what the boxes mean.

const items = (tree) => [...tree.querySelectorAll("[role=treeitem]")];
const fold = (item) => item.querySelector(":scope > details");
const row = (item) => item.querySelector(":scope > .perm, :scope > details > .perm");
const boxes = (item) => [...item.querySelectorAll(":scope > .perm-over input:not(:disabled), :scope > .perm input[type=checkbox]:not(:disabled)")];
const above = (item) => item.parentElement.closest("[role=treeitem]");

// shown says that an item can be seen: not filtered away, and nothing above it is
// folded.
const shown = (item) => !item.closest("[hidden]") && !item.parentElement.closest("details:not([open])");

// stand makes an item the one that Tab reaches, and goes there.
function stand(tree, item, go = true) {
  if (!item) return;
  for (const other of tree.querySelectorAll("[role=treeitem][tabindex='0']")) other.tabIndex = -1;
  item.tabIndex = 0;
  if (!go) return;
  item.focus({ preventScroll: true });
  row(item).scrollIntoView({ block: "nearest" });
}

// keepStop gives Tab somewhere to go when its item was filtered or folded away.
export function keepStop(tree) {
  const now = tree.querySelector("[role=treeitem][tabindex='0']");
  if (!now || !shown(now)) stand(tree, items(tree).find(shown), false);
}

// first goes to the first item that can be seen.
export function first(tree, wanted = () => true) {
  stand(tree, items(tree).find((i) => shown(i) && wanted(i)));
}

function right(tree, item, box) {
  const d = fold(item);
  if (!d) {
    const list = boxes(item);
    if (list.length > 1) list[Math.min(list.indexOf(box) + 1, list.length - 1)].focus();
  } else if (d.open) {
    stand(tree, [...d.querySelectorAll("[role=treeitem]")].find(shown));
  } else {
    d.open = true;
  }
}

function left(tree, item, box) {
  const d = fold(item);
  if (box) {
    const list = boxes(item);
    const at = list.indexOf(box);
    if (at > 0) list[at - 1].focus();
    else stand(tree, item);
  } else if (d?.open) {
    d.open = false;
  } else {
    stand(tree, above(item));
  }
}

function siblings(item) {
  for (const other of item.parentElement.children) {
    const d = fold(other);
    if (d) d.open = true;
  }
}

// jumper goes to the next item that begins with what was typed just now; a key
// that is no letter ends the word.
function jumper(tree) {
  let typed = "";
  let last = 0;
  return (item, letter) => {
    if (letter === "") {
      typed = "";
      return;
    }
    const now = performance.now();
    typed = now - last < 700 ? typed + letter : letter;
    last = now;
    const list = items(tree).filter(shown);
    const at = list.indexOf(item);
    const from = typed.length > 1 ? at : at + 1;
    const name = (i) => row(i).querySelector("[data-perms-name]").textContent.trim().toLowerCase();
    stand(tree, [...list.slice(from), ...list.slice(0, from)].find((i) => name(i).startsWith(typed)));
  };
}

function press(tree, item, box, key, jump) {
  const list = items(tree).filter(shown);
  const at = list.indexOf(item);
  switch (key) {
    case "ArrowDown": stand(tree, list[at + 1]); break;
    case "ArrowUp": stand(tree, list[at - 1]); break;
    case "Home": stand(tree, list[0]); break;
    case "End": stand(tree, list.at(-1)); break;
    case "ArrowRight": right(tree, item, box); break;
    case "ArrowLeft": left(tree, item, box); break;
    case "*": siblings(item); break;
    case " ":
      if (box) return false; // a box that has the focus ticks itself
      boxes(item)[0]?.click();
      break;
    case "Enter":
      if (fold(item)) fold(item).open = !fold(item).open;
      else (box ?? boxes(item)[0])?.click();
      break;
    default:
      if (!/^[\p{L}\p{N}]$/u.test(key)) return false;
      jump(item, key.toLowerCase());
      return true;
  }
  jump(item, "");
  return true;
}

function roles(tree) {
  tree.setAttribute("role", "tree");
  for (const ul of tree.querySelectorAll("ul")) ul.setAttribute("role", "group");
  for (const box of tree.querySelectorAll("input")) box.tabIndex = -1;
  tree.querySelectorAll("li").forEach((item, n) => {
    item.setAttribute("role", "treeitem");
    item.tabIndex = n === 0 ? 0 : -1;
    row(item).id ||= `${tree.parentElement.id}-${n}`;
    item.setAttribute("aria-labelledby", row(item).id);
    let level = 1;
    for (let up = above(item); up; up = above(up)) level++;
    item.setAttribute("aria-level", level);
    const d = fold(item);
    if (d) {
      item.setAttribute("aria-expanded", d.open);
      d.firstElementChild.tabIndex = -1;
    }
  });
}

// asTree gives the list its roles and keys.
export function asTree(tree) {
  roles(tree);
  const jump = jumper(tree);
  tree.addEventListener("keydown", (e) => {
    if (e.metaKey || e.ctrlKey || e.altKey) return;
    const item = e.target.closest("[role=treeitem]");
    const box = e.target === item ? null : e.target.closest("input");
    if (item && press(tree, item, box, e.key, jump)) e.preventDefault();
  });
  // "toggle" does not bubble.
  tree.addEventListener("toggle", (e) => {
    const item = e.target.closest("[role=treeitem]");
    item?.setAttribute("aria-expanded", e.target.open);
    keepStop(tree);
  }, true);
  // A click stands where a key would: on the item, or on its box where there are
  // several.
  tree.addEventListener("focusin", (e) => {
    const item = e.target.closest("[role=treeitem]");
    const several = e.target.matches("input") && boxes(item).length > 1;
    stand(tree, item, e.target !== item && !several);
  });
}
