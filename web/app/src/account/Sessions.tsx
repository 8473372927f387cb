import { useEffect, useRef, useState } from "preact/hooks";
import type { Ask } from "./AppsScreen.tsx";
import { explained } from "./explained.ts";
import { foreign } from "../design/foreign.ts";
import { ago } from "../design/moment.ts";
import { Part, Trouble, useWork } from "./Part.tsx";
import { announce } from "../design/announcer.ts";
import { auth, got } from "../session/auth.ts";
import { t } from "../words/index.ts";

interface Session {
  id: string;
  token: string;
  userAgent?: string | null;
  ipAddress?: string | null;
  updatedAt: string | Date;
}

const BROWSERS = [
  ["Edg/", "Edge"],
  ["OPR/", "Opera"],
  ["Firefox/", "Firefox"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
] as const;
const SYSTEMS = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "CrOS", "Linux"];

export function Sessions({ ask }: { ask: Ask }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const { isBusy, trouble, run } = useWork();
  const [sessions, setSessions] = useState<Session[] | null>(null);
  const [own, setOwn] = useState("");
  const [failed, setFailed] = useState("");
  const load = async () => {
    const [all, current] = await Promise.all([
      got<Session[]>((options) => auth.listSessions({ fetchOptions: options }) as never),
      got<{ session: Session } | null>((options) => auth.getSession({ fetchOptions: options }) as never),
    ]);
    setOwn(current?.session.id ?? "");
    setSessions(all.sort((a, b) => new Date(b.updatedAt).getTime() - new Date(a.updatedAt).getTime()));
  };
  useEffect(() => void load().catch((reason) => setFailed(explained(reason))), []);
  const end = (session: Session, name: string) =>
    ask({
      title: t("end_session_title", { name }),
      words: t("end_session_words"),
      yes: t("end_session"),
      act: async () => {
        await got((options) => auth.revokeSession({ token: session.token, fetchOptions: options }));
        await load();
        announce(t("session_ended"));
      },
      then: () => heading.current,
    });
  const endOthers = () =>
    run(async () => {
      await got((options) => auth.revokeOtherSessions({ fetchOptions: options }));
      await load();
      announce(t("session_ended"));
      heading.current?.focus();
    });
  return (
    <Part id="sessions-title" title={t("sessions")} words={t("sessions_words")} heading={heading}>
      <ul class="rows">
        {sessions?.map((session) => {
          const name = deviceOf(session);
          return (
            <li key={session.id}>
              <div>
                <h3 class="foreign">
                  <bdi>{name}</bdi>
                </h3>
                <p class="hint foreign">
                  {session.id === own ? t("this_session") : t("last_used", { ago: ago(session.updatedAt) })}
                  {session.ipAddress ? ` · ${session.ipAddress}` : ""}
                </p>
              </div>
              {session.id !== own && (
                <button type="button" aria-label={`${t("end_session")} ${name}`} onClick={() => end(session, name)}>
                  {t("end_session")}
                </button>
              )}
            </li>
          );
        })}
      </ul>
      {sessions && sessions.length > 1 && (
        <div class="actions">
          <button type="button" aria-disabled={isBusy} onClick={() => void endOthers()}>
            {t("end_other_sessions")}
          </button>
        </div>
      )}
      <Trouble words={trouble || failed} />
    </Part>
  );
}

/** What a browser says of itself, as people call it. */
function deviceOf({ userAgent }: Session): string {
  const said = userAgent ?? "";
  const browser = BROWSERS.find(([mark]) => said.includes(mark))?.[1];
  const system = SYSTEMS.find((name) => said.includes(name));
  return browser ? [browser, system].filter(Boolean).join(" · ") : foreign(said, 40) || t("unknown_device");
}
