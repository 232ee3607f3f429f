// Dialogs, menus, popovers, toasts and the appearance.

const byId = (id) => document.getElementById(id);

export function openDialog(dialog) {
  if (dialog && !dialog.open) dialog.showModal();
}

function startDialogs(root) {
  root.addEventListener("click", (e) => {
    const opener = e.target.closest("[data-opens]");
    if (opener) {
      e.preventDefault();
      opener.closest("details.menu")?.removeAttribute("open");
      openDialog(byId(opener.dataset.opens));
      return;
    }
    const closer = e.target.closest("[data-closes]");
    if (closer) {
      e.preventDefault();
      byId(closer.dataset.closes)?.close();
      return;
    }
    // A click on the veil, outside of the dialog's box, closes it.
    if (e.target instanceof HTMLDialogElement && e.target.open) {
      const box = e.target.getBoundingClientRect();
      const inside = e.clientX >= box.left && e.clientX <= box.right && e.clientY >= box.top && e.clientY <= box.bottom;
      if (!inside && e.detail > 0) e.target.close();
    }
  });
  for (const d of root.querySelectorAll("dialog[data-open-now]")) {
    d.close();
    d.showModal();
  }
}

function startMenus(root) {
  const close = (except) => {
    for (const m of root.querySelectorAll("details.menu[open]")) if (m !== except) m.open = false;
  };
  root.addEventListener("click", (e) => close(e.target.closest("details.menu")));
  root.addEventListener("keydown", (e) => {
    const menu = root.querySelector("details.menu[open]");
    if (!menu) return;
    if (e.key === "Escape") {
      menu.open = false;
      menu.querySelector("summary").focus();
      return;
    }
    if (!menu.contains(e.target)) return;
    if (e.key !== "ArrowDown" && e.key !== "ArrowUp") return;
    const items = [...menu.querySelectorAll("summary, .menu-body a, .menu-body button, .menu-body input")].filter((i) => i.offsetParent);
    const at = items.indexOf(document.activeElement);
    items[(at + (e.key === "ArrowDown" ? 1 : items.length - 1)) % items.length]?.focus();
    e.preventDefault();
  });
  root.addEventListener("focusout", (e) => {
    const menu = e.target.closest?.("details.menu[open]");
    if (menu && e.relatedTarget && !menu.contains(e.relatedTarget)) menu.open = false;
  });
}

function startPopovers(root) {
  for (const p of root.querySelectorAll("[data-popover]")) {
    const body = p.querySelector(".popover-body");
    const place = () => {
      body.classList.remove("to-right");
      if (body.getBoundingClientRect().left < 8) body.classList.add("to-right");
    };
    p.addEventListener("mouseenter", place);
    p.addEventListener("focusin", place);
    const rearm = () => p.removeAttribute("data-shut");
    p.addEventListener("mouseleave", rearm);
    p.addEventListener("focusout", rearm);
  }
  root.addEventListener("keydown", (e) => {
    if (e.key !== "Escape") return;
    for (const p of root.querySelectorAll("[data-popover]")) {
      if (p.matches(":hover, :focus-within")) p.setAttribute("data-shut", "");
    }
  });
}

// say shows a toast; the live region reads it out.
export function say(text, meaning = "neutral") {
  const region = document.querySelector("[data-toasts]");
  if (!region) return;
  const toast = document.createElement("div");
  toast.className = `toast is-${meaning}`;
  const words = document.createElement("span");
  words.textContent = text;
  const shut = document.createElement("button");
  shut.type = "button";
  shut.className = "icon-button";
  shut.setAttribute("aria-label", "Dismiss");
  shut.dataset.dismiss = "";
  shut.textContent = "✕";
  toast.append(words, shut);
  region.append(toast);
  leave(toast);
}

// leave takes a toast away after a while, unless it warns, or the hand or the
// focus is on it.
function leave(toast) {
  if (toast.matches(".is-warn, .is-danger, .is-unknown")) return;
  const timer = setInterval(() => {
    if (toast.matches(":hover, :focus-within")) return;
    clearInterval(timer);
    toast.remove();
  }, 10_000);
}

function startToasts(root) {
  const region = root.querySelector("[data-toasts]");
  if (!region) return;
  // A region that is filled when the page loads is not announced; one that changes is.
  const waiting = [...region.children];
  region.replaceChildren();
  requestAnimationFrame(() => {
    region.append(...waiting);
    waiting.forEach(leave);
  });
  region.addEventListener("click", (e) => {
    if (e.target.closest("[data-dismiss]")) e.target.closest(".toast").remove();
  });
}

function startAppearance(root) {
  const buttons = [...root.querySelectorAll("[data-theme-set]")];
  const show = () => {
    const now = document.documentElement.dataset.theme ?? "";
    for (const b of buttons) b.setAttribute("aria-pressed", String(b.dataset.themeSet === now));
  };
  for (const b of buttons) {
    b.addEventListener("click", () => {
      const chosen = b.dataset.themeSet;
      if (chosen) document.documentElement.dataset.theme = chosen;
      else delete document.documentElement.dataset.theme;
      try {
        if (chosen) localStorage.setItem("theme", chosen);
        else localStorage.removeItem("theme");
      } catch { /* storage may be forbidden: it lasts for this page */ }
      show();
    });
  }
  show();
}

export function startWindows(root) {
  startDialogs(root);
  startMenus(root);
  startPopovers(root);
  startToasts(root);
  startAppearance(root);
}
