/* Tries the tool that stands in the editor, or the one whose page this is: the server says what would be sent and, when asked to, sends it. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("[data-try]");
  if (!form) return;
  const result = form.querySelector("[data-try-result]");
  const args = form.querySelector("[data-try-arguments]");
  const withBody = form.querySelector("[data-with-body]");
  let isOwn = false; // whether the person wrote the arguments

  function parameters() {
    return form.elements.parameters?.value ?? document.getElementById("try-parameters").textContent;
  }

  function fill() {
    if (isOwn) return;
    try {
      const schema = JSON.parse(parameters() || "{}");
      args.value = JSON.stringify(example(schema, schema, 0) ?? {}, null, 2);
    } catch { /* not JSON yet: keep what is there */ }
  }

  function showBody() {
    if (!withBody) return;
    withBody.hidden = !["POST", "PUT", "PATCH"].includes(form.elements.method.value) && !form.elements.body.value.trim();
  }

  async function ask(send) {
    const data = new FormData(form);
    if (send) data.append("send", "yes");
    for (const button of result.querySelectorAll("button")) button.disabled = true;
    if (send) result.querySelector("[data-try-send]").lastChild.textContent = "Sending…";
    let fresh = '<p class="tc-bad">The server did not answer. Try again in a moment.</p>';
    try {
      const answer = await fetch(form.dataset.try, { method: "POST", body: data });
      if (answer.ok) fresh = await answer.text();
    } catch { /* the words above */ }
    result.replaceChildren(...new DOMParser().parseFromString(fresh, "text/html").body.childNodes);
    result.querySelector("[data-trial-answer]")?.scrollIntoView({ block: "nearest" });
  }

  /* What is sent is what was shown. */
  function expire() {
    const send = result.querySelector("[data-try-send]");
    if (!send) return;
    const says = document.createElement("p");
    says.className = "tc-quiet";
    says.textContent = "Something was changed since. Show the request again before you send it.";
    send.parentElement.replaceWith(says);
  }

  form.addEventListener("click", (event) => {
    if (event.target.closest("[data-try-show]")) ask(false);
    if (event.target.closest("[data-try-send]")) ask(true);
    if (event.target.closest("[data-remove-row]")) expire();
  });
  form.addEventListener("input", (event) => {
    expire();
    if (event.target === args) isOwn = true;
    if (event.target === form.elements.parameters) fill();
    if (event.target === form.elements.method || event.target === form.elements.body) showBody();
  });
  fill();
  showBody();
});

/* An example of a value that fits a schema: what it says itself, else the simplest; of objects what is required. */
function example(schema, root, depth) {
  if (typeof schema !== "object" || schema === null || depth > 5) return null;
  if (typeof schema.$ref === "string" && schema.$ref.startsWith("#/")) {
    const found = schema.$ref.slice(2).split("/").reduce((part, key) => part?.[key], root);
    return example(found, root, depth + 1);
  }
  for (const said of [schema.default, schema.examples?.[0], schema.example, schema.const, schema.enum?.[0]]) {
    if (said !== undefined) return said;
  }
  const kind = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (kind === "object" || schema.properties) {
    const all = Object.entries(schema.properties ?? {});
    const required = all.filter(([name, part]) => schema.required?.includes(name) || part?.default !== undefined);
    const chosen = required.length || depth ? required : all;
    return Object.fromEntries(chosen.map(([name, part]) => [name, example(part, root, depth + 1)]));
  }
  if (kind === "array") return schema.items ? [example(schema.items, root, depth + 1)] : [];
  if (kind === "integer" || kind === "number") return schema.minimum ?? 1;
  if (kind === "boolean") return false;
  if (kind === "null") return null;
  return kind === "string" ? "text" : null;
}
