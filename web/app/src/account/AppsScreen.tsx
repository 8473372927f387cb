import { useEffect, useRef, useState } from "preact/hooks";
import { type ConnectedApp, Apps } from "./Apps.tsx";
import { explained } from "./explained.ts";
import { type Key, Keys, fetchKeys } from "./Keys.tsx";
import { type Question, Sure } from "./Sure.tsx";
import { NotLoaded } from "../design/NotLoaded.tsx";
import { announce } from "../design/announcer.ts";
import { AuthTrouble, auth, got } from "../session/auth.ts";
import { recognise } from "../session/session.ts";
import { t } from "../words/index.ts";

export type Ask = (question: Question) => void;

export default function AppsScreen() {
  const [apps, setApps] = useState<ConnectedApp[] | null>(null);
  const [keys, setKeys] = useState<Key[] | null>(null);
  const [trouble, setTrouble] = useState("");
  const [question, ask] = useState<Question | null>(null);
  const news = useRef("");

  const load = async () => {
    setTrouble("");
    try {
      const [foundApps, foundKeys] = await Promise.all([got<ConnectedApp[]>((options) => auth.$fetch("/connected-apps", options)), fetchKeys()]);
      setApps(foundApps);
      setKeys(foundKeys);
    } catch (reason) {
      if (reason instanceof AuthTrouble && reason.status === 401) await recognise();
      else setTrouble(explained(reason));
    }
  };
  useEffect(() => {
    document.title = `${t("apps_and_keys")} · ${t("product")}`;
    void load();
  }, []);
  const changed = async (words: string) => {
    await load();
    news.current = words;
    announce(words);
  };

  return (
    <main class="account-page">
      <div class="intro">
        <h1>{t("apps_and_keys")}</h1>
        <p class="lead">{t("apps_and_keys_words")}</p>
      </div>
      {trouble && <NotLoaded why={trouble} load={load} />}
      {apps && keys ? (
        <>
          <Apps apps={apps} ask={ask} changed={changed} />
          <Keys keys={keys} ask={ask} changed={changed} />
        </>
      ) : (
        !trouble && (
          <p class="lead" role="status">
            {t("loading")}
          </p>
        )
      )}
      <Sure question={question} close={() => ask(null)} />
    </main>
  );
}
