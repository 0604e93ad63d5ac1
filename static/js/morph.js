/* Makes one piece of the page like another, touching only what differs: focus, selection, scroll and open
   details stay where they are. Rows are told apart by id or data-key, so a re-sorted table moves its rows. */
(function () {
  "use strict";

  function morph(from, to, onText) {
    morphAttributes(from, to);
    morphChildren(from, to, onText);
  }

  function morphAttributes(from, to) {
    for (const { name, value } of to.attributes) {
      if (from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
    for (const { name } of [...from.attributes]) {
      if (!to.hasAttribute(name) && !isOurs(from, name)) from.removeAttribute(name);
    }
  }

  // What the person did to the element is not the server's business.
  function isOurs(element, name) {
    return (name === "open" && element.matches("details, dialog")) || name === "data-sent";
  }

  function keyOf(node) {
    return node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset?.key || null : null;
  }

  function isAlike(a, b) {
    return a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);
  }

  function morphChildren(from, to, onText) {
    const keyed = new Map();
    for (const child of from.childNodes) if (keyOf(child)) keyed.set(keyOf(child), child);
    let here = from.firstChild;
    for (const wanted of [...to.childNodes]) {
      const key = keyOf(wanted);
      const match = key ? keyed.get(key) : nextAlike(here, wanted);
      if (!match || !isAlike(match, wanted)) {
        from.insertBefore(wanted, here);
        continue;
      }
      if (match !== here) from.insertBefore(match, here);
      else here = here.nextSibling;
      morphNode(match, wanted, onText);
    }
    while (here) {
      const gone = here;
      here = here.nextSibling;
      gone.remove();
    }
  }

  function nextAlike(node, wanted) {
    return node && !keyOf(node) && isAlike(node, wanted) ? node : null;
  }

  function morphNode(from, to, onText) {
    if (from.nodeType !== Node.ELEMENT_NODE) {
      if (from.data === to.data) return;
      from.data = to.data;
      onText(from.parentElement);
    } else if (!from.isEqualNode(to) && !from.matches("[data-keep]")) {
      morph(from, to, onText);
    }
  }

  window.portalMorph = morph;
})();
