import { element, show } from "./page.js";
import { OVER, question } from "./question.js";
import { leave } from "./leave.js";
import { Refusal, call } from "./server.js";

const SHORTEST_PASSWORD = 10;
const AFTERWARDS = "/apps";

const form = element("form");
const { email, password } = form.elements;
const asked = question();

let creating;

function setMode() {
  creating = location.hash ? location.hash === "#create" : asked?.prompt.includes("create");
  const [words, instead, other] = creating
    ? ["Create an account", "Have one already?", "Sign in"]
    : ["Sign in", "New here?", "Create an account"];
  document.title = `${words} · Todo Evolution`;
  element("title").textContent = words;
  element("submit").textContent = words;
  element("instead").textContent = instead;
  element("other").textContent = other;
  element("other").hash = creating ? "sign-in" : "create";
  element("rule").hidden = !creating;
  // Password managers offer a new password or a kept one by these.
  password.autocomplete = creating ? "new-password" : "current-password";
  for (const [name, value] of [["minlength", SHORTEST_PASSWORD], ["aria-describedby", "rule"]]) {
    if (creating) password.setAttribute(name, value);
    else password.removeAttribute(name);
  }
  tell("");
}

function tell(trouble, news = "") {
  element("message").textContent = trouble;
  element("status").textContent = news;
}

function reveal(visible) {
  password.type = visible ? "text" : "password";
  element("reveal").textContent = visible ? "Hide" : "Show";
  element("reveal").setAttribute("aria-pressed", String(visible));
}

function isBusy() {
  return form.ariaBusy === "true";
}

function setBusy(busy) {
  form.ariaBusy = String(busy);
  // Not `disabled`, which would take the focus away.
  element("submit").ariaDisabled = String(busy);
}

function giveUp(kind) {
  element("over-title").textContent = OVER[kind].title;
  element("over-words").textContent = OVER[kind].words;
  show("over", OVER[kind].title);
  element("over-title").focus();
}

async function enter() {
  const wanted = { email: email.value.trim(), password: password.value };
  if (creating) wanted.name = wanted.email.split("@")[0];
  if (asked) wanted.oauth_query = asked.signed;
  const { url } = await call(creating ? "sign-up/email" : "sign-in/email", wanted);
  return asked ? url : AFTERWARDS;
}

async function submit() {
  tell("");
  reveal(false);
  setBusy(true);
  try {
    const next = await enter();
    tell("", "You are signed in …");
    leave(next, asked?.redirectUri, { instead: true });
  } catch (refusal) {
    await explain(refusal);
  }
}

async function explain(refusal) {
  if (!(refusal instanceof Refusal)) throw refusal;
  if (refusal.code === "invalid_signature") {
    giveUp(asked.hasExpired() ? "expired" : "changed");
    return;
  }
  tell(wordsFor(refusal));
  if (refusal.wait) {
    await new Promise((resolve) => setTimeout(resolve, refusal.wait * 1000));
    tell("", "You can try again now.");
  }
  setBusy(false);
  password.focus();
}

function wordsFor({ code, status, message }) {
  switch (code) {
    case "INVALID_EMAIL_OR_PASSWORD":
      return "E-mail and password do not go together. Check both, then try again.";
    case "EMAIL_PASSWORD_SIGN_UP_DISABLED":
      return "This server takes no new accounts. Ask the person who runs it.";
    case "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL":
      return "There is an account with this e-mail already. Sign in instead.";
    case "PASSWORD_TOO_SHORT":
      return `The password is too short: at least ${SHORTEST_PASSWORD} characters.`;
    default:
      return status === 404 ? "This server does not sign people in itself: accounts are kept elsewhere." : message;
  }
}

function showForm() {
  show("enter");
  setMode();
  email.focus();
}

async function begin() {
  element("for-app").hidden = !asked;
  if (asked) {
    showForm();
    await asked.client().catch((refusal) => refusal.code === "invalid_signature" && explain(refusal));
    return;
  }
  // Without a question there is nothing to do here for somebody who is signed in.
  const session = await call("get-session").catch(() => null);
  if (!session) return showForm();
  element("who").textContent = session.user.email;
  show("signed-in", "Signed in");
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!isBusy()) submit();
});

element("reveal").addEventListener("click", () => {
  reveal(password.type === "password");
  password.focus();
});

element("sign-out").addEventListener("click", async () => {
  try {
    await call("sign-out", {});
    location.reload();
  } catch (refusal) {
    element("sign-out-message").textContent = refusal.message;
  }
});

addEventListener("hashchange", () => {
  setMode();
  email.focus();
});

begin();
