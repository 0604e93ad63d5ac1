/* Tests a connection without leaving the form, so that nothing typed is lost. Without JavaScript the same button
   posts the form and the page comes back with the outcome. */
(function () {
  "use strict";
  const LOOK_EVERY = 600;   // ms
  const LOOK_LONGEST = 60;  // times
  let current = 0;          // the newest test: an older one's outcome is not shown any more

  document.addEventListener("submit", async (event) => {
    if (!event.submitter?.matches("[data-test]")) return;
    event.preventDefault();
    const turn = ++current;
    const typed = new FormData(event.target, event.submitter);   // before the button is disabled: it belongs to it
    event.submitter.disabled = true;
    try {
      const answer = await fetch(event.target.action, { method: "POST", body: typed });
      let pending = await take(answer, turn);
      for (let look = 0; pending && look < LOOK_LONGEST && turn === current; look += 1) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
        pending = await take(await fetch(answer.url), turn);
      }
      if (pending && turn === current) say("No worker has tried it so far. Look whether one is running, then test again.");
    } catch (problem) {
      if (!(problem instanceof TypeError)) throw problem;
      say("The portal cannot be reached. Try again.");
    } finally {
      const button = document.querySelector("[data-test]");
      if (button) button.disabled = false;
    }
  });

  // Brings the page's form up to what the answer says; whether the outcome is still awaited.
  async function take(answer, turn) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("connection-form");
    if (!fresh) {
      location.reload();
      return false;
    }
    const pending = fresh.querySelector("[data-pending]") !== null;   // before its nodes move into this page
    // Typed secrets stay where they are: the morph changes attributes, never what a person typed.
    if (turn === current) window.portalMorph(document.getElementById("connection-form"), fresh, () => {});
    document.querySelector("[data-test]").disabled = pending;
    return pending;
  }

  function say(text) {
    const outcome = document.getElementById("test-outcome");
    outcome.textContent = text;
  }
})();
