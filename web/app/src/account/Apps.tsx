import { useRef } from "preact/hooks";
import type { Ask } from "./AppsScreen.tsx";
import { CopyLine } from "./CopyLine.tsx";
import { foreign } from "../design/foreign.ts";
import { day } from "../design/moment.ts";
import { Part } from "./Part.tsx";
import { describedAt, placeOf } from "../session/app_place.ts";
import { auth, got } from "../session/auth.ts";
import { t } from "../words/index.ts";

export interface ConnectedApp {
  id: string;
  client_id: string;
  client_name: string | null;
  redirect_uris: string[];
  scopes: string[];
  connected_at: string;
}

interface AppsProps {
  apps: ConnectedApp[];
  ask: Ask;
  changed: (words: string) => Promise<void>;
}

const IN_ORDER = ["todo:read", "todo:write", "openid", "profile", "email"] as const;

export function Apps({ apps, ask, changed }: AppsProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const end = (app: ConnectedApp, name: string) =>
    ask({
      title: t("disconnect_title", { name }),
      words: t("disconnect_words"),
      yes: t("disconnect"),
      act: async () => {
        await got((options) => auth.$fetch("/oauth2/delete-consent", { method: "POST", body: { id: app.id }, ...options }));
        await changed(t("disconnected", { name }));
      },
      then: () => heading.current,
    });
  return (
    <Part id="apps-title" title={t("connected_apps")} words={t("connected_apps_words")} heading={heading}>
      <ul class="rows">
        {apps.map((app) => {
          const name = foreign(app.client_name ?? app.client_id);
          return (
            <li key={app.id}>
              <div>
                <h3 class="foreign">
                  <bdi>{name}</bdi>
                </h3>
                <p class="foreign">{placesOf(app)}</p>
                <ul class="may">
                  {IN_ORDER.filter((scope) => app.scopes.includes(scope)).map((scope) => (
                    <li>{t(`scope_${scope}`)}</li>
                  ))}
                </ul>
                <p class="hint">{t("connected_since", { day: day(app.connected_at) })}</p>
              </div>
              <button type="button" aria-label={`${t("disconnect")} ${name}`} onClick={() => end(app, name)}>
                {t("disconnect")}
              </button>
            </li>
          );
        })}
      </ul>
      {apps.length === 0 && (
        <div class="empty">
          <p>{t("no_apps")}</p>
          <CopyLine text={`${location.origin}/mcp`} label={t("copy_address")} />
        </div>
      )}
    </Part>
  );
}

/** Where its answers go, which is what the person decided by; the name is the app's own choice. */
function placesOf({ client_id: id, redirect_uris: addresses }: ConnectedApp): string {
  const site = describedAt(id);
  const places = addresses.map(placeOf).flatMap((place) => {
    if (!place) return [];
    return [place.kind === "site" ? place.host : t(place.kind === "computer" ? "on_computer" : "on_device")];
  });
  return [...new Set([...(site ? [site] : []), ...places])].join(", ") || t("somewhere");
}
