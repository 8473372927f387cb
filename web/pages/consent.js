import { describedAt, placeOf } from "./app_place.js";
import { leave } from "./leave.js";
import { element, foreign, make, show } from "./page.js";
import { OVER, question } from "./question.js";
import { inWords } from "./scopes.js";
import { Refusal, call } from "./server.js";

const NOT_ASKED = {
  title: "Nothing to decide",
  words: "This page opens when an app wants to use your todos. Start in the app, and connect from there.",
};
const REFUSED = {
  title: "This app cannot be connected",
  words: "It asked in a way that this server refuses. Nothing has been allowed.",
};
// What the server says when it cannot tell an app, because it does not trust where that app wants its answer.
const REASONS = {
  invalid_client: "This server does not know the app. Remove it there, then connect it again.",
  client_disabled: "This app has been switched off.",
  invalid_redirect: "It wants the answer at an address that it has not registered. Nothing has been allowed.",
};

const LONG = 32;

const asked = question();
let person;

function end({ title, words }, again = false) {
  element("over-title").textContent = title;
  element("over-words").textContent = words;
  element("again").hidden = !again;
  show("over", title);
  element("over-title").focus();
}

function explain(refusal) {
  if (!(refusal instanceof Refusal)) throw refusal;
  if (refusal.code === "invalid_signature") end(OVER[asked.hasExpired() ? "expired" : "changed"]);
  else if (refusal.status === 401) signIn();
  else if (refusal.status === 404 || refusal.code in REASONS) end({ ...REFUSED, words: REASONS.invalid_client });
  else end({ title: "This did not work", words: refusal.message }, true);
}

function signIn() {
  leave(`/login${location.search}`, null, { instead: true });
}

function present(client, place) {
  // Whole, however long: the end of a host name is what says whose it is.
  element("who").textContent = place.who;
  element("question").classList.toggle("long", place.who.length > LONG);
  element("name").textContent = foreign(client.client_name ?? client.client_id);
  element("origin-of-name").textContent = sourceOfName(client, place);
  element("email").textContent = person.email;
  const wanted = inWords(asked.scopes);
  element("scopes").replaceChildren(...wanted.map((scope) => make("li", {}, ...line(scope))));
  show("ask", `Allow ${place.who}?`);
}

function sourceOfName({ client_id: id }, place) {
  const site = describedAt(id);
  if (site === null) return "It chose that name itself, and nobody has checked it.";
  if (site === place.who) return `So says ${site}.`;
  return `${site} describes it so, but any program can claim to be that one.`;
}

/** What can be left out is a box to tick; what the app is of no use without is not. */
function line({ scope, words }) {
  const needed = scope === "openid" || scope === "todo:read" || (scope === "todo:write" && !asked.scopes.includes("todo:read"));
  if (needed) return [make("span", { className: "tick", "aria-hidden": "true" }), make("span", {}, words)];
  const box = make("input", { type: "checkbox", name: "scope", value: scope, checked: true, id: `scope-${scope}` });
  return [box, make("label", { htmlFor: box.id }, words)];
}

function granted() {
  const left = [...document.querySelectorAll("#scopes input:not(:checked)")].map((box) => box.value);
  return asked.scopes.filter((scope) => !left.includes(scope)).join(" ");
}

async function decide(accept) {
  setBusy(true);
  try {
    // Somebody else may have signed in on another page since: what is shown here is what is decided.
    const session = await call("get-session");
    if (session?.user.id !== person.id) {
      location.reload();
      return;
    }
    const decision = { accept, oauth_query: asked.signed, ...(accept && { scope: granted() }) };
    const { url } = await call("oauth2/consent", decision);
    depart(url, accept);
  } catch (refusal) {
    setBusy(false);
    if (refusal.code === "invalid_signature" || refusal.status === 401) explain(refusal);
    else if (refusal instanceof Refusal) element("message").textContent = refusal.message;
    else throw refusal;
  }
}

function depart(url, accept) {
  leave(url, asked.redirectUri, { instead: true });
  const place = placeOf(asked.redirectUri);
  const title = accept ? "Allowed" : "Denied";
  element("leaving-title").textContent = title;
  element("leaving-to").textContent = place.who;
  element("by-hand").hidden = place.kind !== "device";
  element("open").onclick = () => leave(url, asked.redirectUri);
  show("leaving", title);
  element("leaving-title").focus();
}

function setBusy(busy) {
  element("message").textContent = "";
  for (const id of ["allow", "deny", "switch"]) element(id).ariaDisabled = String(busy);
  element("form").ariaBusy = String(busy);
}

const isBusy = () => element("form").ariaBusy === "true";

for (const id of ["allow", "deny"]) {
  element(id).addEventListener("click", () => isBusy() || decide(id === "allow"));
}

element("switch").addEventListener("click", async () => {
  if (isBusy()) return;
  setBusy(true);
  try {
    await call("sign-out", {});
    signIn();
  } catch (refusal) {
    setBusy(false);
    element("message").textContent = refusal.message;
  }
});

element("again").addEventListener("click", () => location.reload());

async function begin() {
  const error = new URLSearchParams(location.search).get("error");
  if (!asked) return end(error ? { ...REFUSED, words: REASONS[error] ?? REFUSED.words } : NOT_ASKED);
  try {
    const [session, client] = await Promise.all([call("get-session"), asked.client()]);
    if (!session) return signIn();
    person = session.user;
    const place = placeOf(asked.redirectUri);
    if (!place) return end({ ...REFUSED, words: "It wants the answer at an address where nobody should be sent." });
    present(client, place);
  } catch (refusal) {
    explain(refusal);
  }
}

begin();
