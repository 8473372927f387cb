import { useState } from "preact/hooks";
import { Part, Trouble, useWork } from "./Part.tsx";
import { PasswordField } from "./PasswordField.tsx";
import { api, auth, got } from "../session/auth.ts";
import { person } from "../session/session.ts";
import { t } from "../words/index.ts";

export function Password() {
  const { isBusy, trouble, run } = useWork();
  const [isDone, setDone] = useState(false);
  const change = (event: Event) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const given = Object.fromEntries(new FormData(form)) as Record<"password-now" | "password-new", string>;
    setDone(false);
    void run(async () => {
      const passwords = { currentPassword: given["password-now"], newPassword: given["password-new"] };
      await got((options) => auth.changePassword({ ...passwords, revokeOtherSessions: true, fetchOptions: options }));
      // The session is another one now, and so is its token.
      api.token.forget();
      form.reset();
      setDone(true);
    });
  };
  return (
    <Part id="password-title" title={t("password")} words={t("password_words")}>
      <form class="form" onSubmit={change}>
        <input class="unseen" type="email" name="username" autocomplete="username" value={person.value?.email} tabIndex={-1} aria-hidden="true" readOnly />
        <PasswordField id="password-now" label={t("password_now")} autocomplete="current-password" />
        <PasswordField id="password-new" label={t("password_new")} autocomplete="new-password" hint={t("password_rule_short")} />
        <div class="actions">
          <button class="primary" aria-disabled={isBusy}>
            {t("change_password")}
          </button>
        </div>
        <Trouble words={trouble} />
        <p class="message good" role="status">
          {isDone && t("password_changed")}
        </p>
      </form>
    </Part>
  );
}
