/* Reads the OpenAPI document that a form names, shows what is in it, and adds the headers that it wants. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const panel = document.querySelector("[data-reading]");
  if (!panel) return;
  const form = panel.closest("form");
  const result = panel.querySelector("[data-reading-result]");
  const start = panel.querySelector("[data-reading-start]");
  const label = panel.querySelector("[data-reading-label]");

  /* A large text travels as a file: forms of text are bounded. */
  function asFile() {
    const { document: text, upload } = form.elements;
    if (text.value.length < 1_000_000) return;
    const carrier = new DataTransfer();
    carrier.items.add(new File([text.value], "pasted.txt", { type: "text/plain" }));
    upload.files = carrier.files;
    text.value = "";
  }

  async function read() {
    asFile();
    const said = label.textContent;
    start.disabled = true;
    label.textContent = "Reading…";
    let fresh = '<p class="tc-body tc-bad">The server did not answer. Try again in a moment.</p>';
    try {
      const answer = await fetch(panel.dataset.reading, { method: "POST", body: new FormData(form) });
      if (answer.ok) fresh = await answer.text();
    } catch { /* the words above */ }
    result.replaceChildren(...new DOMParser().parseFromString(fresh, "text/html").body.childNodes);
    start.disabled = false;
    label.textContent = said;
  }

  function search(text) {
    const words = text.toLowerCase().split(/\s+/);
    for (const row of result.querySelectorAll("li")) {
      const shown = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => shown.includes(word));
    }
  }

  function addPair(kind, name, value) {
    const rows = form.querySelector(`[data-rows-of="${kind}"]`);
    if (!rows) return undefined;
    const names = [...rows.querySelectorAll(`[name="${kind}-name"]`)];
    if (names.some((input) => input.value.toLowerCase() === name.toLowerCase())) return undefined;
    rows.querySelector("[data-rows-list]").append(rows.querySelector("template").content.cloneNode(true));
    const row = rows.querySelector("[data-rows-list] > :last-child");
    row.querySelector(`[name="${kind}-name"]`).value = name;
    const input = row.querySelector(`[name="${kind}-value"]`);
    input.value = value;
    return input;
  }

  panel.addEventListener("click", (event) => {
    if (event.target.closest("[data-reading-start]")) read();
    const wanted = event.target.closest("[data-insert-header]");
    if (!wanted) return;
    const { insertHeader, insertValue } = wanted.dataset;
    let next = addPair("headers", insertHeader, insertValue);
    for (const [, secret] of insertValue.matchAll(/\$\{([A-Z0-9_]+)\}/g)) next = addPair("secrets", secret, "") ?? next;
    wanted.disabled = true;
    next?.scrollIntoView({ block: "center" });
    next?.focus();
  });
  panel.addEventListener("input", (event) => { if (event.target.matches("[data-reading-search]")) search(event.target.value); });
  panel.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.target.matches("[data-reading-search]")) event.preventDefault(); });
  form.addEventListener("submit", asFile);
});
