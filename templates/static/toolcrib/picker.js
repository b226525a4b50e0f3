/* The tool picker of a connector: searches on the server, and remembers what is chosen across pages. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("[data-picker]");
  if (!form) return;
  const part = (name) => form.querySelector(`[data-picker-${name}]`);
  const hidden = form.elements.tools;
  const chosen = new Set(JSON.parse(hidden.value));
  const readOnly = form.hasAttribute("data-read-only");
  let page = 1;
  let latest = 0;
  let timer;

  const mode = () => form.elements.mode.value;
  const prefix = () => ({ slug: form.dataset.slug, none: "" })[form.elements.naming.value] ?? form.elements.prefix.value;

  function show() {
    const all = mode() === "ALL";
    form.elements.prefix.disabled = readOnly || form.elements.naming.value !== "own";
    for (const box of form.querySelectorAll("[data-tool]")) {
      box.disabled = readOnly || all || box.dataset.available === "no";
      box.checked = all ? box.dataset.available === "yes" : chosen.has(box.value);
    }
    for (const control of form.querySelectorAll("[data-picker-bulk]")) control.hidden = readOnly || all;
    part("count").textContent = all ? "All tools, now and later" : `${chosen.size} chosen`;
    hidden.value = JSON.stringify([...chosen]);
  }

  function row(tool) {
    const item = form.querySelector("template").content.cloneNode(true);
    const box = item.querySelector("[data-tool]");
    box.value = tool.id;
    box.dataset.available = tool.is_available ? "yes" : "no";
    item.querySelector("[data-wire-name]").textContent = tool.wire_name;
    item.querySelector("[data-name]").textContent = tool.name;
    item.querySelector("[data-description]").textContent = tool.description;
    const status = item.querySelector("[data-status]");
    status.textContent = tool.status;
    status.dataset.tone = tool.tone;
    status.hidden = !tool.status;
    return item;
  }

  async function load() {
    const mine = ++latest;
    const asked = new URLSearchParams({ q: part("search").value, page, prefix: prefix() });
    const answer = await fetch(`${form.dataset.picker}?${asked}`);
    const found = await answer.json();
    if (mine !== latest) return; // a newer search is under way
    page = found.page;
    part("list").replaceChildren(...found.tools.map(row));
    part("found").textContent = `${found.total} tool${found.total === 1 ? "" : "s"}`;
    part("empty").hidden = found.total > 0;
    part("page").textContent = `Page ${found.page} of ${found.pages}`;
    part("previous").disabled = found.page <= 1;
    part("next").disabled = found.page >= found.pages;
    show();
  }

  const soon = () => { clearTimeout(timer); timer = setTimeout(() => { page = 1; load(); }, 200); };

  async function matching(change) {
    const asked = new URLSearchParams({ q: part("search").value, ids: "1" });
    const answer = await fetch(`${form.dataset.picker}?${asked}`);
    (await answer.json()).ids.forEach(change);
    show();
  }

  part("search").addEventListener("input", soon);
  part("search").addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  form.elements.prefix.addEventListener("input", soon);
  part("previous").addEventListener("click", () => { page -= 1; load(); });
  part("next").addEventListener("click", () => { page += 1; load(); });
  part("all").addEventListener("click", () => matching((id) => chosen.add(id)));
  part("none").addEventListener("click", () => matching((id) => chosen.delete(id)));
  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-tool]")) {
      if (event.target.checked) chosen.add(event.target.value); else chosen.delete(event.target.value);
    }
    if (event.target.name === "naming") load();
    show();
  });
  load();
});
