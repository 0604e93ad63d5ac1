/* Shows a confirmation page as a dialog over the page it was asked from. The server draws it: the same partial as the
   page of its own, which is what people without JavaScript get. A form is sent once; its key makes a second one the same. */
(function () {
  "use strict";
  let dialog = null;
  let opener = null;

  function isPlain(event) {
    return event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  }

  function withFragment(address, name) {
    const url = new URL(address, location.href);
    url.searchParams.set("fragment", name);
    return url;
  }

  function partialOf(html) {
    return new DOMParser().parseFromString(html, "text/html").querySelector("[data-confirm]");
  }

  // --- Opening and closing ---
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (link && isPlain(event)) {
      event.preventDefault();
      open(link);
    } else if (dialog?.open && event.target.closest("[data-cancel]") && dialog.contains(event.target)) {
      event.preventDefault();
      dialog.close();
    }
  });

  async function open(link) {
    if (!dialog?.contains(link)) opener = link;
    try {
      const name = link.dataset.dialog || "confirm";
      const answer = await fetch(withFragment(link.href, name), { headers: { Accept: "text/html" } });
      const fresh = answer.ok && !answer.redirected ? partialOf(await answer.text()) : null;
      if (!fresh) return location.assign(link.href);   // signed out, not allowed, gone: the page says which
      show(fresh);
    } catch (problem) {
      if (!(problem instanceof TypeError)) throw problem;
      location.assign(link.href);
    }
  }

  function show(content) {
    if (!dialog) {
      dialog = document.createElement("dialog");
      dialog.className = "dialog dialog--command";
      dialog.setAttribute("aria-labelledby", "confirm-title");
      dialog.addEventListener("close", () => { if (opener?.isConnected) opener.focus(); });
      document.body.append(dialog);
    }
    dialog.replaceChildren(content);
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    wake();
    (dialog.querySelector("[aria-invalid]") || dialog.querySelector("[data-cancel]"))?.focus();
    window.portal.restartAges(dialog);
  }

  // --- The button of a dangerous act wakes when the name stands there ---
  function wake() {
    for (const button of document.querySelectorAll("[data-wakes-with]")) {
      const typed = button.form.elements.typed;
      button.disabled = typed.value.trim() !== button.dataset.wakesWith;
    }
  }
  document.addEventListener("input", (event) => { if (event.target.name === "typed") wake(); });
  wake();

  document.addEventListener("click", (event) => {
    const filler = event.target.closest("[data-fill]");
    if (filler) document.getElementById(filler.dataset.fill).value = filler.dataset.value;
  });

  // --- Sending, once ---
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-confirm-form]");
    if (!form) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    if (!dialog?.contains(form)) return;
    event.preventDefault();
    send(form, new FormData(form, event.submitter));
  });
  // Coming back to a page the browser kept: its form may be sent again, and brings the same command.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  async function send(form, typed) {
    for (const button of form.querySelectorAll("button[type=submit]")) button.disabled = true;
    try {
      const answer = await fetch(withFragment(form.action, "confirm"), { method: "POST", body: typed });
      const html = await answer.text();
      if (answer.status === 201) return asked(html);
      const fresh = partialOf(html);
      if (!fresh) return location.reload();    // signed out, or the page itself is no longer valid
      show(fresh);
    } catch (problem) {
      if (!(problem instanceof TypeError)) throw problem;
      unsure(form);
    }
  }

  function asked(html) {
    dialog.close();
    const toast = new DOMParser().parseFromString(html, "text/html").querySelector(".toast");
    document.querySelector(".toasts").append(toast);
    dispatchEvent(new Event("portal:changed"));
  }

  // The request may have arrived or not: the same form with the same key can safely be sent again.
  function unsure(form) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button[type=submit]")) button.disabled = false;
    const note = document.createElement("p");
    note.className = "field__error";
    note.setAttribute("role", "alert");
    note.textContent = "The portal cannot be reached. Pressing again is safe: it asks for the same command, never a second.";
    form.querySelector(".field__error[data-unsure]")?.remove();
    note.dataset.unsure = "";
    form.querySelector(".dialog__body").append(note);
  }
})();

/* How many bots are chosen for a command to many. */
(function () {
  "use strict";
  const shown = document.querySelector("[data-chosen]");
  if (!shown) return;

  function count() {
    const chosen = document.querySelectorAll('input[name="bot"][form="bulk"]:checked').length;
    shown.textContent = chosen === 1 ? "1 bot" : `${chosen} bots`;
  }
  document.addEventListener("change", count);
  document.addEventListener("reset", () => setTimeout(count));
  count();
})();
