import { day, lastUse } from "./moment.js";
import { element, foreign, make } from "./page.js";
import { Refusal, api } from "./server.js";
import { sure } from "./sure.js";

const form = element("new-key");

/** Fetch the person's keys, and show them. */
export async function listKeys() {
  const { items } = await api("GET", "/api/keys");
  element("keys").replaceChildren(...items.map(row));
  element("no-keys").hidden = items.length > 0;
}

function row(key) {
  const name = foreign(key.name, 100);
  const ended = key.expires_at && new Date(key.expires_at) <= new Date();
  const verb = ended ? "Remove" : "Revoke";
  const end = make("button", { type: "button", "aria-label": `${verb} ${name}` }, verb);
  end.addEventListener("click", () => askToRevoke(key, name, verb));
  const may = key.scopes.includes("todo:write") ? "Sees and changes todos" : "Only sees todos";
  const about = make(
    "div",
    {},
    make("h3", { className: "foreign" }, make("bdi", {}, name), " ", make("code", {}, `…${key.hint}`)),
    make("p", {}, ended ? "Expired: it opens nothing any more" : may),
    make("p", { className: "hint" }, ...history(key, ended)),
  );
  return make("li", {}, about, end);
}

function history(key, ended) {
  const end = key.expires_at ? [ended ? "expired " : "expires ", day(key.expires_at)] : ["never expires"];
  const use = key.last_used_at ? ["last used ", lastUse(key.last_used_at)] : ["never used"];
  return ["Created ", day(key.created_at), " · ", ...end, " · ", ...use];
}

function askToRevoke(key, name, verb) {
  sure({
    title: `${verb} ${name}?`,
    words: "Programs that use this key are refused from now on. That cannot be undone.",
    yes: verb,
    act: async () => {
      await api("DELETE", `/api/keys/${encodeURIComponent(key.id)}`);
      await listKeys();
      element("news").textContent = `${name} is gone.`;
    },
    then: element("keys-title"),
  });
}

async function create() {
  const { name, scope, days } = Object.fromEntries(new FormData(form));
  const wanted = { name, scopes: scope.split(" "), expires_in_days: days ? Number(days) : null };
  const made = await api("POST", "/api/keys", wanted);
  form.reset();
  element("made-key").textContent = made.key;
  element("made").hidden = false;
  element("made-title").focus();
  await listKeys();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = element("create-key");
  if (button.ariaDisabled === "true") return;
  button.ariaDisabled = "true";
  element("key-message").textContent = "";
  try {
    await create();
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    element("key-message").textContent = refusal.message;
  } finally {
    button.ariaDisabled = "false";
  }
});

element("made-done").addEventListener("click", () => {
  element("made-key").textContent = "";
  element("made").hidden = true;
  element("keys-title").focus();
});
