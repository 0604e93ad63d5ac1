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
    event.submitter.disabled = true;
    try {
      const answer = await fetch(event.target.action, { method: "POST", body: new FormData(event.target, event.submitter) });
      let page = await take(answer, turn);
      for (let look = 0; look < LOOK_LONGEST && turn === current && page.querySelector("[data-pending]"); look += 1) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
        page = await take(await fetch(answer.url), turn);
      }
    } catch (problem) {
      if (!(problem instanceof TypeError)) throw problem;
      say("The portal cannot be reached. Try again.");
    } finally {
      const button = document.querySelector("[data-test]");
      if (button) button.disabled = false;
    }
  });

  async function take(answer, turn) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("connection-form");
    if (!fresh) return location.reload();
    // Typed secrets stay where they are: the morph changes attributes, never what a person typed.
    if (turn === current) window.portalMorph(document.getElementById("connection-form"), fresh, () => {});
    document.querySelector("[data-test]").disabled = page.querySelector("[data-pending]") !== null;
    return page;
  }

  function say(text) {
    const outcome = document.getElementById("test-outcome");
    outcome.textContent = text;
  }
})();
