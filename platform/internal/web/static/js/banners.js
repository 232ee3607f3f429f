// Banners: how long something still holds, and how much room they take.

function left(seconds) {
  if (seconds <= 0) return "· over: reload the page";
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours > 0) return `· ${hours} h ${minutes % 60} min left`;
  return `· ${minutes}:${String(seconds % 60).padStart(2, "0")} left`;
}

// The time that is left was counted by the server; clocks may differ.
function startCountdowns(root) {
  const list = [...root.querySelectorAll("[data-seconds]")];
  if (list.length === 0) return;
  const from = performance.now();
  const tick = () => {
    const gone = Math.floor((performance.now() - from) / 1000);
    for (const c of list) c.textContent = left(Number(c.dataset.seconds) - gone);
  };
  tick();
  setInterval(tick, 1000);
}

// Banners may need more than one line: what sticks below them follows.
function followRoom(root) {
  const banners = root.querySelector("[data-banners]");
  if (!banners) return;
  new ResizeObserver(() => document.body.style.setProperty("--banners", `${banners.offsetHeight}px`)).observe(banners);
}

export function startBanners(root) {
  startCountdowns(root);
  followRoom(root);
}
