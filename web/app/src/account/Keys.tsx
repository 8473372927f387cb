import { type components, answered } from "@todo-evolution/client";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Ask } from "./AppsScreen.tsx";
import { CopyLine } from "./CopyLine.tsx";
import { foreign } from "../design/foreign.ts";
import { ago, day } from "../design/moment.ts";
import { Part, Trouble, useWork } from "./Part.tsx";
import { api } from "../session/auth.ts";
import { t } from "../words/index.ts";

export type Key = components["schemas"]["KeyRead"];

interface KeysProps {
  keys: Key[];
  ask: Ask;
  changed: (words: string) => Promise<void>;
}

export async function fetchKeys(): Promise<Key[]> {
  return (await answered(api.client.GET("/api/keys"))).items;
}

export function Keys({ keys, ask, changed }: KeysProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const [made, setMade] = useState<string | null>(null);
  const revoke = (key: Key, name: string, verb: string) =>
    ask({
      title: t("revoke_title", { verb, name }),
      words: t("revoke_words"),
      yes: verb,
      act: async () => {
        await answered(api.client.DELETE("/api/keys/{key_id}", { params: { path: { key_id: key.id } } }));
        await changed(t("is_gone", { name }));
      },
      then: () => heading.current,
    });
  return (
    <Part id="keys-title" title={t("api_keys")} words={t("api_keys_words")} heading={heading}>
      <NewKey
        show={async (key) => {
          setMade(key);
          await changed(t("key_made"));
        }}
      />
      {made && (
        <Made
          text={made}
          done={() => {
            setMade(null);
            heading.current?.focus();
          }}
        />
      )}
      <ul class="rows">
        {keys.map((key) => {
          const name = foreign(key.name, 100);
          const hasEnded = key.expires_at !== null && new Date(key.expires_at) <= new Date();
          const verb = hasEnded ? t("remove") : t("revoke");
          return (
            <li key={key.id}>
              <div>
                <h3 class="foreign">
                  <bdi>{name}</bdi> <code>…{key.hint}</code>
                </h3>
                <p>{hasEnded ? t("key_expired") : t(key.scopes.includes("todo:write") ? "key_changes" : "key_reads")}</p>
                <p class="hint">{historyOf(key, hasEnded)}</p>
              </div>
              <button type="button" aria-label={`${verb} ${name}`} onClick={() => revoke(key, name, verb)}>
                {verb}
              </button>
            </li>
          );
        })}
      </ul>
      {keys.length === 0 && <p class="empty">{t("no_keys")}</p>}
    </Part>
  );
}

function historyOf(key: Key, hasEnded: boolean): string {
  const end = key.expires_at ? t(hasEnded ? "expired_on" : "expires_on", { day: day(key.expires_at) }) : t("expires_never");
  const use = key.last_used_at ? t("last_used", { ago: ago(key.last_used_at) }) : t("never_used");
  return [t("created_on", { day: day(key.created_at) }), end, use].join(" · ");
}

function NewKey({ show }: { show: (key: string) => Promise<void> }) {
  const { isBusy, trouble, run } = useWork();
  const create = (event: Event) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const { name, scope, days } = Object.fromEntries(new FormData(form)) as Record<"name" | "scope" | "days", string>;
    void run(async () => {
      const scopes = scope.split(" ") as Key["scopes"];
      const body = { name, scopes, expires_in_days: days ? Number(days) : null };
      const made = await answered(api.client.POST("/api/keys", { body }));
      form.reset();
      await show(made.key);
    });
  };
  return (
    <>
      <form class="form across" onSubmit={create}>
        <div class="field grow">
          <label for="key-name">{t("name")}</label>
          <input id="key-name" name="name" required maxLength={100} autocomplete="off" placeholder={t("key_example")} />
        </div>
        <div class="field">
          <label for="key-scope">{t("key_may")}</label>
          <select id="key-scope" name="scope">
            <option value="todo:read todo:write">{t("key_may_change")}</option>
            <option value="todo:read">{t("key_may_read")}</option>
          </select>
        </div>
        <div class="field">
          <label for="key-days">{t("key_expires")}</label>
          <select id="key-days" name="days">
            <option value="30">{t("in_30_days")}</option>
            <option value="90" selected>
              {t("in_90_days")}
            </option>
            <option value="365">{t("in_a_year")}</option>
            <option value="">{t("never")}</option>
          </select>
        </div>
        <button class="primary" aria-disabled={isBusy}>
          {t("create_key")}
        </button>
      </form>
      <Trouble words={trouble} />
    </>
  );
}

function Made({ text, done }: { text: string; done: () => void }) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), [text]);
  return (
    <div class="made">
      <h3 ref={title} tabIndex={-1}>
        {t("copy_key_now")}
      </h3>
      <p>{t("copy_key_words")}</p>
      <CopyLine text={text} label={t("copy_key")} id="made-key" />
      <div class="actions">
        <button type="button" onClick={done}>
          {t("done")}
        </button>
      </div>
    </div>
  );
}
