import { describedAt, placeOf } from "./app_place.js";
import { copies } from "./copy.js";
import { listKeys } from "./keys.js";
import { leave } from "./leave.js";
import { day } from "./moment.js";
import { element, foreign, make, show } from "./page.js";
import { inWords } from "./scopes.js";
import { Refusal, call } from "./server.js";
import { sure } from "./sure.js";

const showApps = (apps) => {
  element("apps").replaceChildren(...apps.map(row));
  element("no-apps").hidden = apps.length > 0;
};

function row(app) {
  const name = foreign(app.client_name ?? app.client_id);
  const end = make("button", { type: "button", "aria-label": `Disconnect ${name}` }, "Disconnect");
  end.addEventListener("click", () => askToDisconnect(app, name));
  const may = inWords(app.scopes.filter((scope) => scope !== "offline_access"));
  const about = make(
    "div",
    {},
    make("h3", { className: "foreign" }, make("bdi", {}, name)),
    make("p", { className: "foreign" }, place(app)),
    make("ul", { className: "may" }, ...may.map(({ words }) => make("li", {}, words))),
    make("p", { className: "hint" }, "Connected ", day(app.connected_at)),
  );
  return make("li", {}, about, end);
}

/** Where its answers go, which is what the person decided by; the name is the app's own choice. */
function place({ client_id: id, redirect_uris: addresses }) {
  const site = describedAt(id);
  const places = addresses.map(placeOf).filter(Boolean).map(({ kind, who }) => (kind === "site" ? who : sentence(who)));
  return [...new Set([...(site ? [site] : []), ...places])].join(", ") || "Somewhere unknown";
}

const sentence = (words) => words[0].toUpperCase() + words.slice(1);

function askToDisconnect(app, name) {
  sure({
    title: `Disconnect ${name}?`,
    words: "It loses access at once. To come back it has to ask you again.",
    yes: "Disconnect",
    act: async () => {
      await call("oauth2/delete-consent", { id: app.id });
      showApps(await call("connected-apps"));
      element("news").textContent = `${name} is disconnected.`;
    },
    then: element("apps-title"),
  });
}

async function begin() {
  show("loading");
  try {
    const session = await call("get-session");
    if (!session) return leave("/login?to=apps", null, { instead: true });
    element("email").textContent = session.user.email;
    element("who").hidden = false;
    const [apps] = await Promise.all([call("connected-apps"), listKeys()]);
    showApps(apps);
    show("loaded");
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    if (refusal.status === 401) return leave("/login?to=apps", null, { instead: true });
    element("trouble-words").textContent =
      refusal.status === 404 ? "This server does not sign people in itself: accounts are kept elsewhere." : refusal.message;
    show("trouble");
  }
}

element("again").addEventListener("click", begin);

element("sign-out").addEventListener("click", async () => {
  try {
    await call("sign-out", {});
    leave("/login?to=apps", null, { instead: true });
  } catch (refusal) {
    element("news").textContent = refusal.message;
  }
});

for (const button of document.querySelectorAll(".copy")) copies(button, button.parentElement.querySelector("code"));

for (const address of document.querySelectorAll(".mcp-address")) address.textContent = `${location.origin}/mcp`;

begin();
