import { useEffect } from "preact/hooks";
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
  if (person.value === undefined) return <main aria-busy="true" />;
  if (pathname === "/login" || person.value === null) return <SignIn />;
  if (pathname === "/") return <TodosScreen />;
  return <Lost />;
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
