import { useEffect, useRef, useState } from "preact/hooks";
import { Decision } from "./Decision.tsx";
import { placeOf } from "../session/app_place.ts";
import { AuthTrouble } from "../session/auth.ts";
import { type Asker, type Question, questionIn } from "../session/question.ts";
import { person, recognise } from "../session/session.ts";
import { wordsFor } from "../session/trouble.ts";
import { go, place } from "../router.ts";
import { type Key, t } from "../words/index.ts";

interface End {
  title: Key;
  words: Key | AuthTrouble;
}

const REFUSED = { title: "app_refused", words: "app_refused_words" } as const;
/** What the server says when it cannot tell an app, because it does not trust where that app wants its answer. */
const REASONS: Record<string, Key> = {
  invalid_client: "app_unknown_words",
  client_disabled: "app_disabled_words",
  invalid_redirect: "app_redirect_words",
};

/** An app asks, a person decides. */
export default function ConsentScreen() {
  const asked = questionIn(place.value);
  const [asker, setAsker] = useState<Asker | null>(null);
  const [end, setEnd] = useState<End | null>(asked ? null : refusalIn(place.value));
  const id = person.value?.id;

  const explain = async (trouble: unknown) => {
    if (!(trouble instanceof AuthTrouble)) throw trouble;
    if (trouble.code === "invalid_signature") setEnd(endOf(asked!));
    else if (trouble.status === 401) await recognise();
    else if (trouble.status === 404 || trouble.code in REASONS) setEnd({ ...REFUSED, words: "app_unknown_words" });
    else setEnd({ title: "did_not_work", words: trouble });
  };
  useEffect(() => {
    if (!asked || person.value === undefined) return;
    // Who is to decide signs in first, and comes back here.
    if (person.value === null) go(`/login${location.search}`, { instead: true });
    else if (!placeOf(asked.redirectUri)) setEnd({ ...REFUSED, words: "app_nowhere_words" });
    else asked.asker().then(setAsker, explain);
  }, [id, person.value === undefined]);

  if (end) return <Ended end={end} />;
  if (asked && asker && person.value) return <Decision asked={asked} asker={asker} person={person.value} giveUp={explain} />;
  return (
    <main class="narrow" aria-busy="true">
      <p class="lead" role="status">
        {t("looking_who_asks")}
      </p>
    </main>
  );
}

function refusalIn({ searchParams }: URL): End {
  const error = searchParams.get("error");
  if (error === null) return { title: "nothing_to_decide", words: "nothing_to_decide_words" };
  return { ...REFUSED, words: REASONS[error] ?? REFUSED.words };
}

function endOf(asked: Question): End {
  const why = asked.hasExpired() ? "expired" : "changed";
  return { title: `question_${why}`, words: `question_${why}_words` };
}

function Ended({ end: { title, words } }: { end: End }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => void (document.title = `${t(title)} · ${t("product")}`));
  useEffect(() => heading.current?.focus(), []);
  const mayPass = words instanceof AuthTrouble;
  return (
    <main class="narrow">
      <h1 ref={heading} tabIndex={-1}>
        {t(title)}
      </h1>
      <p class="lead">{mayPass ? wordsFor(words) : t(words)}</p>
      <div class="actions">
        {mayPass && (
          <button class="primary" type="button" onClick={() => location.reload()}>
            {t("try_again")}
          </button>
        )}
        <a class="button" href="/apps">
          {t("apps_and_keys")}
        </a>
      </div>
    </main>
  );
}
