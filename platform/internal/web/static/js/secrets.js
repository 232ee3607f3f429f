// Secrets that are shown once are copied by a button.

export function startSecrets(root) {
  root.addEventListener("click", async (e) => {
    const button = e.target.closest("[data-copy]");
    if (!button) return;
    const from = document.getElementById(button.dataset.copy);
    const lines = [...from.querySelectorAll("code")].map((c) => c.textContent.trim());
    const says = button.parentElement.querySelector("[data-copied]");
    try {
      await navigator.clipboard.writeText(lines.join("\n"));
      says.textContent = "✓ Copied";
    } catch { // not allowed here: the keyboard can still copy
      getSelection().selectAllChildren(from);
      says.textContent = "Press Ctrl+C to copy";
    }
  });
}
