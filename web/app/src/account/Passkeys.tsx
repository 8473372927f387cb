import { useEffect, useRef, useState } from "preact/hooks";
import type { Ask } from "./AppsScreen.tsx";
import { explained } from "./explained.ts";
import { foreign } from "../design/foreign.ts";
import { day } from "../design/moment.ts";
import { Part, Trouble, useWork } from "./Part.tsx";
import { announce } from "../design/announcer.ts";
import { AuthTrouble, auth, got } from "../session/auth.ts";
import { t } from "../words/index.ts";

interface Passkey {
  id: string;
  name?: string | null;
  createdAt: string | Date;
}

export function Passkeys({ ask }: { ask: Ask }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const { isBusy, trouble, run } = useWork();
  const [keys, setKeys] = useState<Passkey[] | null>(null);
  const [failed, setFailed] = useState("");
  const load = async () => setKeys(await got<Passkey[]>((options) => auth.$fetch("/passkey/list-user-passkeys", options)));
  useEffect(() => void load().catch((reason) => setFailed(explained(reason))), []);

  const add = (event: Event) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const name = String(new FormData(form).get("passkey-name"));
    void run(async () => {
      const { error } = await auth.passkey.addPasskey({ name });
      if (error) throw new AuthTrouble("PASSKEY", error.status ?? 400, error.message);
      form.reset();
      await load();
      announce(t("passkey_added"));
    });
  };
  const remove = (key: Passkey, name: string) =>
    ask({
      title: t("revoke_title", { verb: t("remove"), name }),
      words: t("passkey_remove_words"),
      yes: t("remove"),
      act: async () => {
        await got((options) => auth.$fetch("/passkey/delete-passkey", { method: "POST", body: { id: key.id }, ...options }));
        await load();
        announce(t("is_gone", { name }));
      },
      then: () => heading.current,
    });
  return (
    <Part id="passkeys-title" title={t("passkeys")} words={t("passkeys_words")} heading={heading}>
      {"PublicKeyCredential" in window ? (
        <form class="form across" onSubmit={add}>
          <div class="field grow">
            <label for="passkey-name">{t("passkey_name")}</label>
            <input id="passkey-name" name="passkey-name" required maxLength={60} autocomplete="off" placeholder={t("key_example")} />
          </div>
          <button class="primary" aria-disabled={isBusy}>
            {t("add_passkey")}
          </button>
        </form>
      ) : (
        <p class="empty">{t("no_passkeys_here")}</p>
      )}
      <Trouble words={trouble || failed} />
      <ul class="rows">
        {keys?.map((key) => {
          const name = foreign(key.name || t("passkey"));
          return (
            <li key={key.id}>
              <div>
                <h3 class="foreign">
                  <bdi>{name}</bdi>
                </h3>
                <p class="hint">{t("created_on", { day: day(key.createdAt) })}</p>
              </div>
              <button type="button" aria-label={`${t("remove")} ${name}`} onClick={() => remove(key, name)}>
                {t("remove")}
              </button>
            </li>
          );
        })}
      </ul>
    </Part>
  );
}
