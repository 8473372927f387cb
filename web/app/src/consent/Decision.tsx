import { useEffect, useRef, useState } from "preact/hooks";
import { Leaving } from "./Leaving.tsx";
import { inOrder, isNeeded, wordsOf } from "./scopes.ts";
import { foreign } from "../design/foreign.ts";
import { type Place, describedAt, placeOf } from "../session/app_place.ts";
import { AuthTrouble, auth, got } from "../session/auth.ts";
import { follow } from "../session/leave.ts";
import type { Asker, Question } from "../session/question.ts";
import { type Person, become, signOut } from "../session/session.ts";
import { wordsFor } from "../session/trouble.ts";
import { t, withElements } from "../words/index.ts";

interface DecisionProps {
  asked: Question;
  asker: Asker;
  person: Person;
  giveUp: (trouble: AuthTrouble) => Promise<void>;
}

const LONG = 32;

export function Decision({ asked, asker, person, giveUp }: DecisionProps) {
  const place = placeOf(asked.redirectUri)!;
  const who = wordsForPlace(place);
  const form = useRef<HTMLDivElement>(null);
  const [trouble, setTrouble] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [left, setLeft] = useState<{ isAllowed: boolean; address: string } | null>(null);
  useEffect(() => void (document.title = `${t("consent_question", { who })} · ${t("product")}`));

  const attempt = async (work: () => Promise<void>) => {
    if (isBusy) return;
    setTrouble("");
    setBusy(true);
    try {
      await work();
    } catch (reason) {
      if (!(reason instanceof AuthTrouble)) throw reason;
      if (reason.code === "invalid_signature" || reason.status === 401) await giveUp(reason);
      else setTrouble(wordsFor(reason));
    }
    setBusy(false);
  };
  const decide = (isAllowed: boolean) =>
    attempt(async () => {
      const session = await got<{ user: Person } | null>((options) => auth.getSession({ fetchOptions: options }));
      // Somebody else may have signed in on another page since: what is shown here is what is decided.
      if (session?.user.id !== person.id) {
        await become(session?.user ?? null);
        setTrouble(t("somebody_else_now"));
        return;
      }
      const scope = inOrder(asked.scopes).filter((name) => form.current?.querySelector<HTMLInputElement>(`[name="${CSS.escape(name)}"]`)?.checked ?? true);
      const body = { accept: isAllowed, oauth_query: asked.signed, ...(isAllowed && { scope: scope.join(" ") }) };
      const { url } = await got<{ url: string }>((options) => auth.$fetch("/oauth2/consent", { method: "POST", body, ...options }));
      follow(url, asked.redirectUri);
      setLeft({ isAllowed, address: url });
    });

  if (left) return <Leaving {...left} place={place} redirectUri={asked.redirectUri} />;
  return (
    <main class="narrow">
      {/* Whole, however long: the end of a host name is what says whose it is. */}
      <h1 class={who.length > LONG ? "foreign long" : "foreign"}>{t("consent_question", { who })}</h1>
      <p class="lead">
        {withElements("calls_itself", {
          name: (
            <strong>
              <bdi class="foreign">{foreign(asker.client_name ?? asker.client_id)}</bdi>
            </strong>
          ),
        })}{" "}
        {sourceOfName(asker, place)}
      </p>
      <div class="form" ref={form} aria-busy={isBusy}>
        <fieldset class="scopes">
          <legend>{t("it_asks_to")}</legend>
          <ul>
            {inOrder(asked.scopes).map((scope) => (
              <Scope key={scope} name={scope} isNeeded={isNeeded(scope, asked.scopes)} />
            ))}
          </ul>
        </fieldset>
        <p class="account-line">
          <span>{withElements("your_account", { email: <strong class="foreign">{person.email}</strong> })}</span>
          <button class="link" type="button" aria-disabled={isBusy} onClick={() => void attempt(signOut)}>
            {t("use_another_account")}
          </button>
        </p>
        <div class="actions">
          <button class="primary" type="button" aria-disabled={isBusy} onClick={() => void decide(true)}>
            {t("allow")}
          </button>
          <button type="button" aria-disabled={isBusy} onClick={() => void decide(false)}>
            {t("deny")}
          </button>
        </div>
        <p class="message" role="alert">
          {trouble}
        </p>
        <p class="hint">{withElements("disconnect_any_time", { place: <a href="/apps">{t("apps_and_keys")}</a> })}</p>
      </div>
    </main>
  );
}

/** What can be left out is a box to tick; what the app is of no use without is not. */
function Scope({ name, isNeeded }: { name: string; isNeeded: boolean }) {
  if (isNeeded) {
    return (
      <li>
        <span class="tick" aria-hidden="true" />
        <span>{wordsOf(name)}</span>
      </li>
    );
  }
  const id = `scope-${name}`;
  return (
    <li>
      <input type="checkbox" id={id} name={name} defaultChecked />
      <label for={id}>{wordsOf(name)}</label>
    </li>
  );
}

function wordsForPlace(place: Place): string {
  if (place.kind === "site") return place.host;
  return place.kind === "computer" ? t("who_computer") : t("who_device", { scheme: place.scheme });
}

function sourceOfName({ client_id: id }: Asker, place: Place): string {
  const site = describedAt(id);
  if (site === null) return t("name_unchecked");
  return t(place.kind === "site" && place.host === site ? "name_of_site" : "name_claimed", { site });
}
