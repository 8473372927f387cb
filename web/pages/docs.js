import { element } from "./page.js";
import { call, lifetime } from "./server.js";

const form = element("form");
const fields = element("fields");

let ui;
let user = null;
let jwt = null;
let timer;

const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => {
  const { classList, dataset } = document.documentElement;
  classList.toggle("dark-mode", dataset.theme ? dataset.theme === "dark" : dark.matches);
};
theme();
dark.addEventListener("change", theme);

function tell(message) {
  element("message").textContent = message;
}

function show(next) {
  user = next;
  form.hidden = Boolean(user);
  fields.disabled = false;
  element("signed-in").hidden = !user;
  element("who").textContent = user ? `Signed in as ${user.email}` : "";
}

function authorize() {
  if (ui && jwt) ui.preauthorizeApiKey("bearer", jwt);
}

function leave(message) {
  clearTimeout(timer);
  jwt = null;
  ui?.authActions.logout(["bearer"]);
  show(null);
  tell(message);
}

async function renew() {
  const owner = user;
  let wait = 30_000;
  try {
    const { token } = await call("token");
    if (user !== owner) return;
    jwt = token;
    wait = 0.8 * lifetime(token);
    authorize();
    tell("");
  } catch (error) {
    if (user !== owner) return;
    if (error.status === 401) {
      leave("Your session has ended. Sign in again.");
      return;
    }
    tell(error.message);
  }
  clearTimeout(timer);
  timer = setTimeout(renew, wait);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { email, password } = Object.fromEntries(new FormData(form));
  const action = event.submitter?.value ?? "sign-in";
  const body = { email, password };
  if (action === "sign-up") body.name = email.split("@")[0];

  tell("");
  fields.disabled = true;
  fields.classList.add("busy");
  try {
    const answer = await call(`${action}/email`, body);
    form.reset();
    show(answer.user);
    element("who").focus();
    await renew();
  } catch (error) {
    fields.disabled = false;
    tell(error.message);
    form.elements.password.focus();
  }
});

element("sign-out").addEventListener("click", async () => {
  try {
    await call("sign-out", {});
    leave("");
    form.elements.email.focus();
  } catch (error) {
    tell(error.message);
  }
});

async function restore() {
  try {
    const session = await call("get-session");
    show(session?.user ?? null);
    if (user) await renew();
  } catch (error) {
    show(null);
    tell(error.message);
  }
}

restore();

/** What Swagger UI leaves out for those who do not see it: a landmark, a heading, and no link within a button. */
const accessible = ({ React: { createElement: make } }) => ({
  wrapComponents: {
    InfoContainer: (Original) => (properties) => make("section", { "aria-label": "About" }, make(Original, properties)),
    operations: (Original) => (properties) =>
      make("div", null, make("h2", { className: "unseen" }, "Operations"), make(Original, properties)),
    DeepLink: () => ({ text }) => make("span", null, text),
  },
});

const started = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger",
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [accessible],
  layout: "BaseLayout",
  deepLinking: true,
  tryItOutEnabled: true,
  persistAuthorization: false,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  // The default sends the document's address to a service on another host.
  validatorUrl: null,
  onComplete: () => {
    ui = started;
    authorize();
  },
});
