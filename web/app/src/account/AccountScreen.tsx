import { useEffect, useState } from "preact/hooks";
import { Data } from "./Data.tsx";
import { Passkeys } from "./Passkeys.tsx";
import { Password } from "./Password.tsx";
import { Sessions } from "./Sessions.tsx";
import { type Question, Sure } from "./Sure.tsx";
import { TwoFactor } from "./TwoFactor.tsx";
import { person } from "../session/session.ts";
import { t } from "../words/index.ts";

export default function AccountScreen() {
  const [question, ask] = useState<Question | null>(null);
  useEffect(() => void (document.title = `${t("account")} · ${t("product")}`));
  return (
    <main class="account-page">
      <div class="intro">
        <h1>{t("account")}</h1>
        <p class="lead foreign">{person.value?.email}</p>
      </div>
      <Password />
      <TwoFactor />
      <Passkeys ask={ask} />
      <Sessions ask={ask} />
      <Data ask={ask} />
      <Sure question={question} close={() => ask(null)} />
    </main>
  );
}
