/* Applies the remembered theme before the first paint; the button flips it. ?theme=light|dark|auto is for one look. */
(function () {
  "use strict";
  const root = document.documentElement;
  const asked = new URLSearchParams(location.search).get("theme");
  const theme = asked || remembered();
  if (["light", "dark", "auto"].includes(theme)) root.dataset.theme = theme;
  root.classList.add("has-js");

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const next = isLight() ? "dark" : "light";
    root.dataset.theme = next;
    remember(next);
  });

  function isLight() {
    if (root.dataset.theme === "auto") return matchMedia("(prefers-color-scheme: light)").matches;
    return root.dataset.theme === "light";
  }

  // Storage is refused in private windows: the theme then lasts for one page.
  function remembered() {
    try { return localStorage.getItem("theme"); } catch { return null; }
  }

  function remember(value) {
    try { localStorage.setItem("theme", value); } catch { /* for this page only */ }
  }
})();
