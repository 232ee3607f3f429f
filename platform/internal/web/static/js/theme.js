// Runs before the first paint, so that a chosen appearance does not flicker.
(() => {
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch { /* storage may be forbidden: the system decides */ }
})();
