/* Beside a header that holds a credential: says what to do about it and, where the form stores secrets, does it. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const secrets = document.querySelector("[data-rows-of=secrets]");

  function parts(row) {
    return [row.querySelector("[name$=-name]"), row.querySelector("[name$=-value]")];
  }

  /* What a value says by itself, as the server sees it: without what is filled in, a scheme, and what only separates. */
  function literal(value, isTemplate) {
    const filled = isTemplate ? value.replace(/\{%.*?%\}/g, "").replace(/\{\{.*?\}\}/g, "\0") : value;
    return filled
      .replace(/\$\{[^}]*\}/g, "\0")
      .replace(/[\w.-]+="?\0/g, "\0")
      .trim()
      .replace(/^([A-Za-z-]{2,24}[ \t]+(?=\S)|AWS4-HMAC-SHA256[ \t]+)/, "")
      .replace(/[\0 \t;,:=&/|."']/g, "");
  }

  function judge(row) {
    const [name, value] = parts(row).map((input) => input.value.trim());
    const isTelling = new RegExp(row.dataset.headerRow, "i").test(name);
    const isSecret = isTelling && value !== "***" && literal(value, "headerTemplate" in row.dataset) !== "";
    row.querySelector("[data-header-secret]").hidden = !isSecret;
    row.querySelector("[data-move-to-secret]").hidden = !secrets || value.length < 4 || /\$\{|\{[{%]/.test(value);
  }

  /* `Bearer abc` becomes `Bearer ${AUTHORIZATION}`, with the secret AUTHORIZATION: abc. */
  function move(row) {
    const [name, value] = parts(row);
    const inForm = [...secrets.querySelectorAll("[name=secrets-name]")].map((input) => input.value.trim().toUpperCase());
    const taken = [...inForm, ...(secrets.dataset.taken ?? "").split(" ")];
    const base = name.value.trim().toUpperCase().replace(/[^A-Z0-9]+/g, "_").replace(/^[^A-Z]+/, "").slice(0, 60) || "SECRET";
    let free = base;
    for (let number = 2; taken.includes(free); number += 1) free = `${base}_${number}`;
    const [, scheme, secret] = /^((?:Bearer|Basic|Token|ApiKey)\s+)?(.*)$/is.exec(value.value.trim());
    const list = secrets.querySelector("[data-rows-list]");
    list.append(secrets.querySelector("template").content.cloneNode(true));
    const [newName, newValue] = parts(list.lastElementChild);
    newName.value = free;
    newValue.value = secret;
    value.value = `${scheme ?? ""}\${${free}}`;
    judge(row);
    newName.focus();
  }

  document.addEventListener("input", (event) => {
    const row = event.target.closest("[data-header-row]");
    if (row) judge(row);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move-to-secret]");
    if (button) move(button.closest("[data-row]"));
  });
  for (const row of document.querySelectorAll("[data-header-row]")) judge(row);
});
