import { useEffect, useRef, useState } from "preact/hooks";
import { AuthTrouble, auth, got } from "./auth.ts";
import { follow } from "./leave.ts";
import { type Question, questionIn } from "./question.ts";
import { type Person, become, hasAccounts, person, recognise, signOut } from "./session.ts";
import { wordsFor } from "./trouble.ts";
import { go, place } from "../router.ts";
import { t } from "../words/index.ts";

const SHORTEST_PASSWORD = 10;
type Over = "expired" | "changed";

export function SignIn() {
  const asked = questionIn(place.value);
  const [over, setOver] = useState<Over | null>(null);
  const giveUp = () => setOver(asked?.hasExpired() ? "expired" : "changed");
  useEffect(() => {
    asked?.asker().catch((trouble) => trouble instanceof AuthTrouble && trouble.code === "invalid_signature" && giveUp());
  }, [asked?.signed]);

  if (over) return <QuestionIsOver over={over} />;
  if (!hasAccounts.value) return <Elsewhere />;
  // Without a question there is nothing to do here for somebody who is signed in.
  if (person.value && !asked) return <SignedIn person={person.value} />;
  return <Entrance asked={asked} giveUp={giveUp} />;
}

interface EntranceProps {
  asked: Question | null;
  giveUp: () => void;
}

/** First who it is; then, where they asked for it, the second factor. */
function Entrance(props: EntranceProps) {
  const [needsCode, setNeedsCode] = useState(false);
  return needsCode ? <CodeForm {...props} /> : <SignInForm {...props} askForCode={() => setNeedsCode(true)} />;
}

async function arrive(answer: Entered, asked: Question | null): Promise<void> {
  if (asked) return follow(answer.url ?? "/", asked.redirectUri);
  const { pathname } = place.peek();
  if (pathname === "/login") go("/", { instead: true });
  if (answer.user) await become(answer.user);
  else await recognise();
}

function SignInForm({ asked, giveUp, askForCode }: EntranceProps & { askForCode: () => void }) {
  const { hash, pathname } = place.value;
  const creating = hash ? hash === "#create" : (asked?.wantsNewAccount ?? false);
  const [trouble, setTrouble] = useState("");
  const [news, setNews] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [isShown, setShown] = useState(false);
  const email = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  const words = creating ? t("sign_up") : t("sign_in");

  useEffect(() => void (document.title = `${words} · ${t("product")}`));
  useEffect(() => {
    setTrouble("");
    email.current?.focus();
  }, [creating]);

  const enter = async () => {
    const given = { email: email.current!.value.trim(), password: password.current!.value };
    const extra = asked ? { oauth_query: asked.signed } : {};
    const answer = creating
      ? await got<Entered>((options) => auth.$fetch("/sign-up/email", { method: "POST", body: { ...given, ...extra, name: given.email.split("@")[0] }, ...options }))
      : await got<Entered>((options) => auth.$fetch("/sign-in/email", { method: "POST", body: { ...given, ...extra }, ...options }));
    if (answer.twoFactorRedirect) return askForCode();
    if (asked) setNews(t("signing_in"));
    await arrive(answer, asked);
  };

  const enterByPasskey = async () => {
    if (isBusy) return;
    setTrouble("");
    setBusy(true);
    try {
      const { data, error } = await auth.signIn.passkey({ fetchOptions: asked ? { onRequest: carrying(asked) } : {} });
      if (error) throw new AuthTrouble("PASSKEY", 400, error.message);
      await arrive(data as unknown as Entered, asked);
    } catch (reason) {
      await explain(reason);
    }
  };

  const explain = async (reason: unknown) => {
    if (!(reason instanceof AuthTrouble)) throw reason;
    if (reason.code === "invalid_signature") return giveUp();
    setTrouble(wordsFor(reason));
    if (reason.code === "TOO_MANY") {
      await new Promise((resolve) => setTimeout(resolve, reason.waitSeconds * 1000));
      setTrouble("");
      setNews(t("can_try_now"));
    }
    setBusy(false);
    password.current?.focus();
  };

  const submit = async (event: Event) => {
    event.preventDefault();
    if (isBusy) return;
    setTrouble("");
    setNews("");
    setShown(false);
    setBusy(true);
    try {
      await enter();
    } catch (reason) {
      await explain(reason);
    }
  };

  return (
    <main class="narrow">
      {!asked && pathname === "/" && (
        <p class="welcome">
          {t("welcome")} <span>{t("welcome_words")}</span>
        </p>
      )}
      <h1 id="title">{words}</h1>
      <p class="lead">
        {creating ? t("have_one") : t("new_here")} <a href={creating ? "#sign-in" : "#create"}>{creating ? t("sign_in") : t("sign_up")}</a>
      </p>
      {asked && <p class="note">{t("for_app")}</p>}
      <form class="form" id="form" method="post" aria-busy={isBusy} onSubmit={submit}>
        <div class="field">
          <label for="email">{t("email")}</label>
          <input ref={email} id="email" name="email" type="email" autocomplete="username" required maxLength={254} spellcheck={false} autocapitalize="none" />
        </div>
        <div class="field">
          <label for="password">{t("password")}</label>
          <div class="with-button">
            <input
              ref={password}
              id="password"
              name="password"
              {...({ type: isShown ? "text" : "password" } as { type: "password" })}
              autocomplete={creating ? "new-password" : "current-password"}
              minLength={creating ? SHORTEST_PASSWORD : undefined}
              aria-describedby={creating ? "rule" : undefined}
              required
              maxLength={128}
              spellcheck={false}
              autocapitalize="none"
            />
            <button
              type="button"
              aria-controls="password"
              aria-pressed={isShown}
              aria-label={t("show_password")}
              onClick={() => {
                setShown(!isShown);
                password.current?.focus();
              }}
            >
              {isShown ? t("hide") : t("show")}
            </button>
          </div>
          {creating && (
            <p class="hint" id="rule">
              {t("password_rule")}
            </p>
          )}
        </div>
        <div class="actions">
          <button class="primary" id="submit" aria-disabled={isBusy}>
            {words}
          </button>
          {!creating && "PublicKeyCredential" in window && (
            <button type="button" onClick={() => void enterByPasskey()}>
              {t("with_passkey")}
            </button>
          )}
        </div>
        <p class="message" role="alert">
          {trouble}
        </p>
        <p class="message good" role="status">
          {news}
        </p>
      </form>
    </main>
  );
}

/** Has a request carry the app's question, whatever else is in it. */
function carrying({ signed }: Question) {
  return (context: { body?: unknown; method: string }) => {
    if (context.method !== "POST") return;
    const body = typeof context.body === "string" ? (JSON.parse(context.body) as object) : (context.body as object);
    context.body = JSON.stringify({ ...body, oauth_query: signed });
  };
}

interface Entered {
  user?: Person;
  url?: string;
  twoFactorRedirect?: boolean;
}

function CodeForm({ asked, giveUp }: EntranceProps) {
  const [trouble, setTrouble] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [isBackup, setBackup] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => void (document.title = `${t("two_factor")} · ${t("product")}`));
  useEffect(() => field.current?.focus(), [isBackup]);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setTrouble("");
    try {
      const code = field.current!.value.replace(/\s/g, "");
      const body = { code, ...(asked && { oauth_query: asked.signed }) };
      const path = isBackup ? "/two-factor/verify-backup-code" : "/two-factor/verify-totp";
      await arrive(await got<Entered>((options) => auth.$fetch(path, { method: "POST", body, ...options })), asked);
    } catch (reason) {
      if (!(reason instanceof AuthTrouble)) throw reason;
      if (reason.code === "invalid_signature") return giveUp();
      setTrouble(wordsFor(reason));
      setBusy(false);
      field.current?.select();
    }
  };
  return (
    <main class="narrow">
      <h1>{t("two_factor")}</h1>
      <p class="lead">{isBackup ? t("enter_backup_code") : t("enter_code")}</p>
      <form class="form" onSubmit={submit}>
        <div class="field">
          <label for="code">{isBackup ? t("backup_code") : t("code")}</label>
          <input ref={field} id="code" inputMode={isBackup ? "text" : "numeric"} autocomplete="one-time-code" required maxLength={16} spellcheck={false} />
        </div>
        <div class="actions">
          <button class="primary" aria-disabled={isBusy}>
            {t("sign_in")}
          </button>
          <button type="button" class="link" onClick={() => setBackup(!isBackup)}>
            {isBackup ? t("use_app") : t("use_backup_code")}
          </button>
        </div>
        <p class="message" role="alert">
          {trouble}
        </p>
      </form>
    </main>
  );
}

function SignedIn({ person: { email } }: { person: Person }) {
  const [trouble, setTrouble] = useState("");
  useEffect(() => void (document.title = `${t("signed_in")} · ${t("product")}`));
  return (
    <main class="narrow">
      <h1>{t("signed_in")}</h1>
      <p class="lead foreign">{t("signed_in_as", { email })}</p>
      <div class="actions">
        <a class="button primary" href="/">
          {t("to_todos")}
        </a>
        <button type="button" onClick={() => signOut().catch((reason) => setTrouble(wordsFor(reason)))}>
          {t("sign_out")}
        </button>
      </div>
      <p class="message" role="alert">
        {trouble}
      </p>
    </main>
  );
}

function Elsewhere() {
  return (
    <main class="narrow">
      <h1>{t("sign_in")}</h1>
      <p class="lead">{t("accounts_elsewhere")}</p>
    </main>
  );
}

function QuestionIsOver({ over }: { over: Over }) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${t(`question_${over}`)} · ${t("product")}`;
    title.current?.focus();
  }, [over]);
  return (
    <main class="narrow">
      <h1 ref={title} tabIndex={-1}>
        {t(`question_${over}`)}
      </h1>
      <p class="lead">{t(`question_${over}_words`)}</p>
      <div class="actions">
        <a class="button" href="/login" onClick={() => location.assign("/login")}>
          {t("sign_in_without")}
        </a>
      </div>
    </main>
  );
}
