import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Announcements } from "./design/Announcements.tsx";
import { Header } from "./design/Header.tsx";
import { go, place } from "./router.ts";
import { SignIn } from "./session/SignIn.tsx";
import { person } from "./session/session.ts";
import { TodosScreen } from "./todos/TodosScreen.tsx";
import { t } from "./words/index.ts";

export function App() {
  return (
    <>
      <Header />
      <Screen />
      <Announcements />
    </>
  );
}

function Screen() {
  const { pathname } = place.value;
  if (pathname === "/consent") return <Later key="consent" load={() => import("./consent/ConsentScreen.tsx")} />;
  if (person.value === undefined) return <main aria-busy="true" />;
  if (pathname === "/login" || person.value === null) return <SignIn />;
  if (pathname === "/") return <TodosScreen />;
  if (pathname === "/account") return <Later key="account" load={() => import("./account/AccountScreen.tsx")} />;
  if (pathname === "/activity") return <Later key="activity" load={() => import("./activity/ActivityScreen.tsx")} />;
  if (pathname === "/apps") return <Later key="apps" load={() => import("./account/AppsScreen.tsx")} />;
  return <Lost />;
}

/** A screen that is fetched when it is gone to: who keeps todos need not wait for it. */
function Later({ load }: { load: () => Promise<{ default: ComponentType }> }) {
  const [Loaded, setLoaded] = useState<ComponentType | null>(null);
  const [hasFailed, setFailed] = useState(false);
  useEffect(() => void load().then(({ default: found }) => setLoaded(() => found), () => setFailed(true)), []);
  if (Loaded) return <Loaded />;
  return (
    <main class="account-page" aria-busy={!hasFailed}>
      {hasFailed && (
        <p class="message" role="alert">
          {t("unreachable")}
        </p>
      )}
    </main>
  );
}

function Lost() {
  useEffect(() => void (document.title = `${t("not_found")} · ${t("product")}`));
  return (
    <main class="narrow">
      <h1>{t("not_found")}</h1>
      <p class="lead">{t("not_found_words")}</p>
      <div class="actions">
        <button type="button" onClick={() => go("/")}>
          {t("to_todos")}
        </button>
      </div>
    </main>
  );
}
