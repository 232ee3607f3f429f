// The keyboard: "/" search, j k rows, "?" help. Enter opens by itself, as the
// focus stands on the row's link.
import { move, typing } from "./lists.js";
import { openDialog } from "./windows.js";

export function startKeys(root) {
  root.addEventListener("keydown", (e) => {
    if (e.metaKey || e.ctrlKey || e.altKey || e.defaultPrevented) return;
    if (typing(e.target)) {
      if (e.key === "Escape" && e.target.matches("[data-key='/']")) e.target.blur();
      return;
    }
    if (root.querySelector("dialog[open]")) return;
    let done = true;
    switch (e.key) {
      case "/": {
        const box = root.querySelector("[data-key='/']");
        box?.focus();
        box?.select();
        done = Boolean(box);
        break;
      }
      case "j": done = move(root, 1); break;
      case "k": done = move(root, -1); break;
      case "?": openDialog(root.getElementById("key-help")); break;
      default: done = false;
    }
    if (done) e.preventDefault();
  });
}
