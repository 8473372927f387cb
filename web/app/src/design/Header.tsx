import { show } from "./announcer.ts";
import { Disclosure } from "./Disclosure.tsx";
import { Icon } from "./Icon.tsx";
import { THEMES, type Theme, chooseTheme, theme } from "./theme.ts";
import { go } from "../router.ts";
import { person, signOut } from "../session/session.ts";
import { LANGUAGES, type Language, choose, language, t } from "../words/index.ts";

export function Header() {
  return (
    <header class="top">
      <a class="home" href="/">
        <img src="/static/favicon.svg" width="28" height="28" alt="" /> {t("product")}
      </a>
      <Menu />
    </header>
  );
}

function Menu() {
  return (
    <Disclosure class="menu" label={t("menu")} summary={<Icon name="person" />}>
      {person.value && <p class="foreign who-is-it">{person.value.email}</p>}
      {person.value && (
        <nav>
          <a href="/">{t("todos")}</a>
          <a href="/activity">{t("activity")}</a>
          <a href="/account">{t("account")}</a>
          <a href="/apps">{t("apps_and_keys")}</a>
          <a href="/docs">{t("api_docs")}</a>
        </nav>
      )}
      <Choices />
      {person.value && (
        <button type="button" onClick={leave}>
          {t("sign_out")}
        </button>
      )}
      <p class="hint">
        <a href="/static/licenses.txt">{t("licenses")}</a>
      </p>
    </Disclosure>
  );
}

function Choices() {
  return (
    <div class="choices">
      <div class="field">
        <label for="theme">{t("theme")}</label>
        <select id="theme" value={theme.value} onChange={(event) => chooseTheme(event.currentTarget.value as Theme)}>
          {THEMES.map((name) => (
            <option value={name}>{t(`theme_${name}`)}</option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for="language">{t("language")}</label>
        <select id="language" value={language.value} onChange={(event) => choose(event.currentTarget.value as Language)}>
          {Object.entries(LANGUAGES).map(([tag, name]) => (
            <option value={tag} lang={tag}>
              {name}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}

async function leave() {
  try {
    await signOut();
    go("/");
  } catch {
    show({ kind: "trouble", words: t("unreachable") });
  }
}
