(() => {
  const faults = []
  const told = (e) => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") + (e.getAttribute("name") ? `[name=${e.getAttribute("name")}]` : "") + (e.className && typeof e.className === "string" ? "." + e.className.trim().split(/\s+/).join(".") : "")
  const all = (selector) => [...document.querySelectorAll(selector)]
  const seen = (e) => e.checkVisibility({ visibilityProperty: true })
  const words = (ids) => ids.trim().split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ")
  const named = (e) => [
    e.getAttribute("aria-label"), e.hasAttribute("aria-labelledby") && words(e.getAttribute("aria-labelledby")),
    ...[...(e.labels ?? [])].map((l) => l.textContent), /^(A|BUTTON|SUMMARY)$/.test(e.tagName) && e.textContent,
    ...[...e.querySelectorAll("img[alt], svg[aria-label]")].map((i) => i.alt || i.getAttribute("aria-label")),
    /^(submit|button|reset)$/.test(e.type) && e.tagName === "INPUT" && e.value, e.title,
  ].some((s) => typeof s === "string" && s.trim())

  for (const e of all("a[href], button, summary, input:not([type=hidden]), select, textarea, [role=button], [role=treeitem], [role=tab], dialog[open]")) {
    if (seen(e) && !e.closest("[aria-hidden=true]") && !named(e) && e.getAttribute("role") !== "treeitem") faults.push("has no name: " + told(e))
  }
  const ids = all("[id]").map((e) => e.id)
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) faults.push("the id stands twice: " + id)
  for (const name of ["aria-labelledby", "aria-describedby", "aria-controls", "for"]) {
    for (const e of all(`[${name}]`)) for (const id of e.getAttribute(name).trim().split(/\s+/)) {
      if (id && !document.getElementById(id)) faults.push(`${name} of ${told(e)} points at nothing: ${id}`)
    }
  }
  const headings = all("h1, h2, h3, h4, h5, h6").filter(seen)
  if (headings.filter((h) => h.tagName === "H1").length !== 1) faults.push("there is not one h1")
  headings.reduce((before, h) => {
    const level = Number(h.tagName[1])
    if (level > before + 1) faults.push(`a heading skips a level: ${h.tagName} ${h.textContent.trim()}`)
    return level
  }, 0)
  if (!document.documentElement.lang) faults.push("the page does not say its language")
  if (!document.title.trim()) faults.push("the page has no title")
  if (all("main").length !== 1) faults.push("there is not one main part")
  for (const e of all("img:not([alt])")) faults.push("a picture without words: " + told(e))
  for (const e of all("table")) if (seen(e) && !e.querySelector("th")) faults.push("a table without a head: " + told(e))
  const wide = document.scrollingElement.scrollWidth - innerWidth
  if (wide > 1) {
    const who = all("main *").filter((e) => seen(e) && e.getBoundingClientRect().right > innerWidth + 1).at(-1)
    faults.push(`the page is ${wide} px wider than its window` + (who ? ": " + told(who) : ""))
  }
  return JSON.stringify(faults)
})()
