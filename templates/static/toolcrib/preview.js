/* Shows what the filters of a form would do to the tools of a set, as they are edited; the server computes it. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const panel = document.querySelector("[data-preview]");
  if (!panel) return;
  const form = panel.closest("form");
  const body = panel.querySelector("[data-preview-body]");
  const search = panel.querySelector("[data-preview-search]");
  const decides = /^(include|exclude|approvals)|^csrfmiddlewaretoken$/;
  let show = "";
  let page = 1;
  let latest = 0;
  let timer;

  function asked() {
    const data = new FormData();
    for (const [name, value] of new FormData(form)) if (decides.test(name)) data.append(name, value);
    for (const control of form.querySelectorAll("[disabled][name]")) if (decides.test(control.name)) data.append(control.name, control.value);
    data.append("show", show);
    data.append("page", page);
    data.append("q", search.value);
    return data;
  }

  async function load() {
    const mine = ++latest;
    const answer = await fetch(panel.dataset.preview, { method: "POST", body: asked() });
    const fresh = new DOMParser().parseFromString(answer.ok ? await answer.text() : "", "text/html").body;
    if (mine !== latest) return; // a newer edit is under way
    const focused = body.contains(document.activeElement) ? document.activeElement.dataset.previewShow : undefined;
    if (!answer.ok) fresh.innerHTML = '<p class="tc-body tc-bad">The preview could not be computed. Try again in a moment.</p>';
    body.replaceChildren(...fresh.childNodes);
    if (focused !== undefined) body.querySelector(`[data-preview-show="${focused}"]`)?.focus();
  }

  const soon = () => { clearTimeout(timer); timer = setTimeout(() => { page = 1; load(); }, 250); };

  form.addEventListener("input", (event) => { if (event.target === search || decides.test(event.target.name)) soon(); });
  form.addEventListener("click", (event) => {
    if (event.target.closest("[data-remove-row]")) soon();
    const part = event.target.closest("[data-preview-show]");
    const turn = event.target.closest("[data-preview-page]");
    if (part) { show = part.dataset.previewShow; page = 1; load(); }
    if (turn) { page = Number(turn.dataset.previewPage); load(); }
  });
  search.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  load();
});
