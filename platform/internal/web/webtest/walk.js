(() => {
  const told = (e) => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") + (e.name ? `[name=${e.name}]` : "") + " “" + (e.textContent || e.value || "").trim().replace(/\s+/g, " ").slice(0, 40) + "”"
  const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0
  // One of a group of radio buttons, or of a composite, stands for all: arrows move inside.
  const stops = () => {
    const groups = new Set()
    return [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]")].filter((e) => {
      if (e.disabled || e.tabIndex < 0 || !seen(e) || e.closest("[inert]")) return false
      if (e.type !== "radio") return true
      const group = (e.form?.id ?? "") + "/" + e.name
      if (groups.has(group)) return false
      groups.add(group)
      return true
    })
  }
  const shown = (e) => {
    const marked = (x) => {
      const s = getComputedStyle(x)
      return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== "none"
    }
    return [e, ...(e.labels ?? []), e.closest("label"), e.parentElement, e.nextElementSibling, ...e.querySelectorAll(":scope > *, :scope > * > *")].some((x) => x && marked(x))
  }
  const met = new Set(), blind = new Set()
  globalThis.lendkeepWalk = {
    begin() {
      document.activeElement?.blur()
      document.addEventListener("focusin", (event) => {
        const e = event.target
        met.add(e.type === "radio" ? (e.form?.id ?? "") + "/" + e.name : e)
        if (!shown(e)) blind.add(told(e))
      })
      return stops().length
    },
    end(cut) {
      const missed = cut ? [] : stops().filter((e) => !met.has(e.type === "radio" ? (e.form?.id ?? "") + "/" + e.name : e))
      return JSON.stringify([...missed.map((e) => "Tab does not come to " + told(e)), ...[...blind].map((s) => "one does not see that one is at " + s)])
    },
  }
  return lendkeepWalk
})()
