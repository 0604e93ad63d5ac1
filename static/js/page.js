/* Small comforts of every page: ages that tick, the clock, keys, menus, toasts, filters that apply themselves. */
(function () {
  "use strict";

  // --- Ages and the clock: from the server's moment on, never from this machine's idea of the time ---
  const serverStart = Date.parse(document.body.dataset.now || "") || Date.now();
  const pageStart = performance.now();
  const since = new WeakMap();

  function words(seconds) {
    const s = Math.max(0, Math.floor(seconds));
    if (s < 60) return s + " s";
    const minutes = Math.floor(s / 60);
    if (minutes < 60) return minutes + " min";
    const hours = Math.floor(minutes / 60);
    if (hours < 24) return hours + " h " + (minutes % 60) + " min";
    return Math.floor(hours / 24) + " d " + (hours % 24) + " h";
  }

  function tickAges() {
    const now = performance.now();
    for (const element of document.querySelectorAll("[data-age]")) {
      if (!since.has(element)) since.set(element, now);
      const age = Number(element.dataset.age) + (now - since.get(element)) / 1000;
      const text = words(age);
      if (element.textContent !== text) element.textContent = text;
      markAge(element, age);
    }
  }

  function markAge(element, age) {
    if (!element.dataset.stale) return;
    const stale = age > Number(element.dataset.stale);
    element.classList.toggle("age--stale", stale);
    element.classList.toggle("age--late", !stale && age > Number(element.dataset.late));
  }

  // A freshly fetched fragment counts its ages from now.
  function restartAges(region) {
    for (const element of region.querySelectorAll("[data-age]")) since.delete(element);
    tickAges();
  }

  function tickClock() {
    const clock = document.querySelector("[data-clock]");
    if (!clock) return;
    const now = new Date(serverStart + performance.now() - pageStart).toISOString();
    clock.textContent = now.slice(11, 19) + " UTC";
    clock.dateTime = now;
  }

  function everySecond() {
    if (document.hidden) return;
    tickAges();
    tickClock();
  }
  tickAges();
  setInterval(everySecond, 1000);
  document.addEventListener("visibilitychange", everySecond);

  // --- Keys ---
  const keys = document.getElementById("keys");
  let leader = 0;

  function isTyping(target) {
    return target.closest("input, select, textarea, [contenteditable]") !== null;
  }

  function focusSearch() {
    const search = document.querySelector("input[type=search]");
    if (!search) return false;
    search.focus();
    search.select();
    return true;
  }

  function goTo(key) {
    const path = { f: "/", t: "/trades/", r: "/reports/", c: "/commands/", e: "/events/" }[key];
    if (!path || performance.now() - leader > 1200) return false;
    location.assign(path);
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return closeOpen(event.target);
    if (isTyping(event.target)) return;
    if (event.key === "/" && focusSearch()) event.preventDefault();
    else if (event.key === "?" && keys && !keys.open) keys.showModal();
    else if (event.key === "g") leader = performance.now();
    else if (leader && goTo(event.key)) event.preventDefault();
  });

  function closeOpen(target) {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    if (target.matches("input[type=search]")) target.blur();
  }

  // --- Menus, toasts, the list of keys ---
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    if (event.target.closest("[data-show-keys]") && keys) keys.showModal();
    const close = event.target.closest("[data-close-toast]");
    if (close) close.closest(".toast").remove();
  });

  // --- Filters apply themselves; without JavaScript the form has its own button ---
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-auto]");
    if (form && event.target.matches("select, input[type=date], input[type=checkbox]")) form.requestSubmit();
  });

  // Empty fields do not belong into an address people pass on.
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-auto]")) return;
    for (const field of event.target.elements) if (field.name && !field.value) field.disabled = true;
    addEventListener("pageshow", () => {
      for (const field of event.target.elements) field.disabled = false;
    }, { once: true });
  });

  // Where the tabs do not fit, the current one is in sight.
  document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

  window.portal = { restartAges };
})();
