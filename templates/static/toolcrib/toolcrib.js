/* Copy buttons, questions before what cannot be undone, rows that can be added, and the progress of a sync. */
"use strict";

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    event.preventDefault();
    await copyText(document.querySelector(copy.dataset.copy)?.textContent.trim() ?? "");
    const label = copy.querySelector("[data-copy-label]") ?? copy;
    const before = label.textContent;
    label.textContent = "Copied";
    setTimeout(() => { label.textContent = before; }, 1500);
  }
  const add = event.target.closest("[data-add-row]");
  if (add) {
    const rows = add.closest("[data-rows]");
    const row = rows.querySelector("template").content.cloneNode(true);
    rows.querySelector("[data-rows-list]").append(row);
    rows.querySelector("[data-rows-list] > :last-child input, [data-rows-list] > :last-child select").focus();
  }
  for (const open of document.querySelectorAll(".tc-switcher[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
  event.target.closest("[data-remove-row]")?.closest("[data-row]").remove();
});

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // no clipboard outside https and localhost
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

document.addEventListener("change", (event) => {
  const select = event.target.closest("[data-autosubmit]");
  if (select) select.form.requestSubmit();
});

/* A page with [data-sync] shows a sync as it runs, and takes over the fresh [data-live] parts when it ends. */
document.addEventListener("DOMContentLoaded", () => {
  const panel = document.querySelector("[data-sync]");
  if (panel) follow(panel, panel.dataset.syncState);
});

async function follow(panel, state) {
  for (;;) {
    const busy = state === "syncing" || state === "queued";
    await new Promise((done) => setTimeout(done, busy ? 700 : 4000));
    if (document.hidden) continue;
    try {
      const answer = await fetch(panel.dataset.sync, { headers: { Accept: "application/json" } });
      if (answer.redirected || [401, 403, 404].includes(answer.status)) return; // signed out, or the set is gone
      if (!answer.ok) continue; // a bad moment: ask again
      const sync = await answer.json();
      const hasChanged = sync.state !== state;
      state = sync.state;
      panel.hidden = state !== "syncing" && state !== "queued";
      panel.querySelector("[data-sync-text]").textContent = sync.text;
      if (sync.stamp !== panel.dataset.stamp && panel.hidden) {
        panel.dataset.stamp = sync.stamp;
        await refresh();
      } else if (hasChanged) {
        await refresh();
      }
    } catch { /* the server is restarting: ask again */ }
  }
}

async function refresh() {
  const answer = await fetch(window.location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.querySelector(`[data-live="${part.dataset.live}"]`);
    if (fresh) part.replaceWith(document.adoptNode(fresh));
  }
}
