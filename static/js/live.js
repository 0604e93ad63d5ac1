/* Keeps the page's live regions true. The websocket only says that something changed; what changed comes by an
   ordinary GET of this very address, drawn by the same template that drew the page. Without a websocket the page
   asks every 10 seconds; a hidden tab asks nothing. */
(function () {
  "use strict";
  const main = document.querySelector("[data-fragment]");
  if (!main) return;

  const LEAST_GAP = 250;        // ms between two fetches: at most 4 a second
  const PRICES_GAP = 1000;      // ms, when prices moved and nothing else happened
  const ELSEWHERE_GAP = 4000;   // ms, when what happened is not what this page is about
  const HAPPENED = ["alarm", "alerts", "commands", "connection", "events", "missed", "run", "state", "trades"];
  const ASK_EVERY = 10_000;     // ms, while there is no websocket
  const ASK_ANYWAY = 30_000;    // ms, with one: a lost message costs a late refresh, never a wrong page
  const PATIENCE = 8000;        // ms for one answer: a question on which nothing comes back must not be the last one
  const PULSE_AFTER = 3000;     // ms of silence on the websocket, then it is asked for a sign
  const PULSE_PATIENCE = 8000;  // ms until it is given up
  const onlyBot = main.dataset.liveBot || "";
  const matters = main.dataset.liveNews ? main.dataset.liveNews.split(" ") : HAPPENED;
  const otherwiseGap = main.dataset.liveNews ? ELSEWHERE_GAP : PRICES_GAP;
  const indicator = document.querySelector("[data-connection]");
  let socket = null;
  let tries = 0;
  let wanted = Infinity;        // something changed since the last fetch: so long after it the next one begins
  let busy = false;
  let lastFetch = 0;
  let lastTook = 0;
  let timer = 0;
  let timerAt = 0;
  let reachable = true;
  let heard = 0;                // when the websocket last said anything
  let asked = 0;                // when it was last asked for a sign

  // --- What is fetched ---
  function address() {
    const url = new URL(location.href);
    url.searchParams.set("fragment", main.dataset.fragment);
    url.hash = "";
    return url;
  }

  // The first news after a rest is fetched at once; what comes during a fetch is fetched together, some time after it.
  function want(gap = LEAST_GAP) {
    wanted = Math.min(wanted, gap);
    fetchWhenDue();
  }

  function fetchWhenDue() {
    if (document.hidden || busy || wanted === Infinity) return;
    // A slow server is not asked faster than it answers.
    const at = lastFetch + Math.max(wanted, Math.min(ASK_EVERY, 1.5 * lastTook));
    if (timer && timerAt <= at) return;
    clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(refresh, Math.max(0, at - performance.now()));
  }

  async function refresh() {
    timer = 0;
    if (document.hidden || busy) return;
    busy = true;
    wanted = Infinity;
    lastFetch = performance.now();
    try {
      await fetchAndSwap();
      reachable = true;
    } catch (problem) {
      if (!isNoConnection(problem)) throw problem;
      reachable = false;
    } finally {
      busy = false;
      lastTook = performance.now() - lastFetch;
      showConnection();
    }
    fetchWhenDue();
  }

  function asking(url) {
    const signal = AbortSignal.timeout(PATIENCE);
    return fetch(url, { headers: { Accept: "text/html" }, credentials: "same-origin", signal });
  }

  // A TypeError is fetch's word for it.
  function isNoConnection(problem) {
    return problem instanceof TypeError || problem.name === "TimeoutError";
  }

  async function fetchAndSwap() {
    const answer = await asking(address());
    if (answer.redirected || answer.status === 404 || answer.status === 403) return location.reload();
    if (!answer.ok) throw new TypeError("the portal answered " + answer.status);
    swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
  }

  // --- How it comes into the page ---
  function swap(fresh) {
    const focused = document.activeElement;
    for (const region of fresh.querySelectorAll("[data-live]")) {
      const here = document.getElementById(region.id);
      if (!here) continue;
      const changed = new Set();
      window.portalMorph(here, region, (element) => changed.add(element));
      markChanged(changed);
      window.portal.restartAges(here);
    }
    if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
    showPulse(fresh.querySelector("[data-pulse]"));
  }

  function markChanged(elements) {
    const figures = new Set([...elements].map((element) => element.closest(".num, .pill, .hero")).filter(Boolean));
    for (const figure of figures) {
      figure.classList.remove("changed");
      void figure.offsetWidth;    // lets the animation begin again
      figure.classList.add("changed");
    }
  }

  function showPulse(pulse) {
    if (!pulse) return;
    document.title = pulse.dataset.title;
    for (const count of document.querySelectorAll("[data-open-trades]")) count.textContent = pulse.dataset.openTrades;
    for (const count of document.querySelectorAll("[data-attention]")) count.textContent = pulse.dataset.attention;
    for (const count of document.querySelectorAll("[data-alert-count]")) count.textContent = pulse.dataset.alerts;
  }

  // --- The connection ---
  function connect() {
    const opened = socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/ws/fleet/");
    opened.addEventListener("open", () => {
      if (socket === opened) heard = asked = performance.now();   // what the one before it owed is not its debt
    });
    opened.addEventListener("message", (event) => {
      heard = performance.now();
      hear(JSON.parse(event.data));
    });
    opened.addEventListener("close", () => {
      if (socket === opened) lose();
    });
  }

  // A line on which nothing comes back is dead, whatever the browser believes.
  function feelPulse() {
    if (!isLive()) return;
    const now = performance.now();
    if (asked > heard && now - asked > PULSE_PATIENCE) {
      const dead = socket;
      lose();
      dead.close();
    } else if (asked <= heard && now - heard > PULSE_AFTER) {
      asked = now;
      socket.send("ping");
    }
  }

  function lose() {
    socket = null;
    showConnection();
    tries += 1;
    const pause = Math.min(30_000, 1000 * 2 ** Math.min(tries, 5));
    setTimeout(connectAgain, pause * (0.5 + Math.random() / 2));
  }

  function connectAgain() {
    if (!document.hidden) return connect();
    document.addEventListener("visibilitychange", connectAgain, { once: true });
  }

  function hear(message) {
    if ("hello" in message) {
      tries = 0;
      showConnection();
      heard = asked = performance.now();
      want();      // what changed while nobody told us
    } else if ("bye" in message) {
      want();      // the fetch finds out whether the person is still welcome
    } else if ("bot" in message) {
      if (message.what.includes("alarm")) sayAlarms();
      if (!onlyBot || message.bot === onlyBot) want(message.what.some(isNews) ? LEAST_GAP : otherwiseGap);
    }
  }

  // --- Warnings and errors of any bot, as notes that name it ---
  const MOST_NOTES = 4;
  const ALARM_GAP = 3000;       // ms between two questions
  let newestEvent = Number(document.body.dataset.newestEvent || 0);
  let alarmTimer = 0;
  let alarmsAsked = -ALARM_GAP;

  function sayAlarms() {
    if (document.hidden || alarmTimer) return;   // who looks away finds them on the page of events
    alarmTimer = setTimeout(askAlarms, Math.max(0, alarmsAsked + ALARM_GAP - performance.now()));
  }

  async function askAlarms() {
    alarmTimer = 0;
    alarmsAsked = performance.now();
    try {
      const answer = await asking("/events/toasts/?after=" + newestEvent);
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-newest-event]");
      newestEvent = Math.max(newestEvent, Number(fresh.dataset.newestEvent));
      const place = document.querySelector(".toasts");
      place.append(...fresh.querySelectorAll(".toast"));
      while (place.children.length > MOST_NOTES) place.firstElementChild.remove();
    } catch (problem) {
      if (!isNoConnection(problem)) throw problem;   // showConnection says so
    }
  }

  function isNews(word) {
    return matters.includes(word);
  }

  function isLive() {
    return socket !== null && socket.readyState === WebSocket.OPEN;
  }

  function showConnection() {
    if (!indicator) return;
    const [kind, text] = !reachable ? ["lost", "No connection"] : isLive() ? ["live", "Live"] : ["asking", "Every 10 s"];
    indicator.dataset.kind = kind;
    if (indicator.textContent !== text) indicator.textContent = text;
  }

  setInterval(() => {
    const since = performance.now() - lastFetch;
    if (document.hidden) return;
    feelPulse();
    if (since < (isLive() && reachable ? ASK_ANYWAY : ASK_EVERY)) return;
    want();
    if (!isLive()) sayAlarms();   // nobody else says that there are any
  }, 1000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) want(); });
  addEventListener("online", () => want());
  addEventListener("portal:changed", () => want());  // this very page asked for something
  addEventListener("offline", () => { reachable = false; showConnection(); });
  lastFetch = performance.now();
  connect();
})();
