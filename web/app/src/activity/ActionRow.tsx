import { useState } from "preact/hooks";
import type { ActionTaken, Change } from "./actions_taken.ts";
import { foreign } from "../design/foreign.ts";
import { ago } from "../design/moment.ts";
import { language, t, tn } from "../words/index.ts";

const SHOWN_TITLES = 5;
const LONGEST_NAME = 40;

interface ActionRowProps {
  taken: ActionTaken;
  undo: (taken: ActionTaken) => Promise<void>;
}

export function ActionRow({ taken, undo }: ActionRowProps) {
  const { action, changes, isUndone } = taken;
  const first = changes[0]!;
  const [isBusy, setBusy] = useState(false);
  const what = inWords(changes);
  const isFinal = action === null || first.kind === "purged";
  const press = async () => {
    if (isBusy) return;
    setBusy(true);
    await undo(taken);
    setBusy(false);
  };
  return (
    <li>
      <div>
        <h2 id={`action-${action}`} class="foreign" tabIndex={-1}>
          {first.undoes === null ? what : t("undo_of", { what })}
        </h2>
        {changes.length > 1 && <p class="foreign">{titlesOf(changes)}</p>}
        {first.reason && <p class="foreign">{t("its_reason", { reason: foreign(first.reason, 200) })}</p>}
        <p class="hint">
          <span class={first.client === "person" ? "" : "mark"}>{whoDid(first)}</span>{" "}
          <time dateTime={first.at} title={new Date(first.at).toLocaleString(language.value)}>
            {ago(first.at)}
          </time>
        </p>
      </div>
      {isUndone ? (
        <p class="undone">{t("is_undone")}</p>
      ) : (
        !isFinal && (
          <button type="button" aria-disabled={isBusy} aria-label={t("undo_what", { what })} onClick={() => void press()}>
            {t("undo")}
          </button>
        )
      )}
    </li>
  );
}

function inWords(changes: readonly Change[]): string {
  const [first] = changes;
  const todos = new Set(changes.map(({ todo_id }) => todo_id)).size;
  if (todos === 1) return t(`change_${first!.kind}`, { title: titleOf(first!) });
  const isAlike = changes.every(({ kind }) => kind === first!.kind);
  return tn(`changes_${isAlike ? first!.kind : "updated"}`, todos);
}

function titlesOf(changes: readonly Change[]): string {
  const titles = [...new Map(changes.map((change) => [change.todo_id, titleOf(change)])).values()];
  const more = titles.length - SHOWN_TITLES;
  const shown = new Intl.ListFormat(language.value, { type: "unit" });
  return shown.format(more > 0 ? [...titles.slice(0, SHOWN_TITLES), t("and_more", { count: more })] : titles);
}

function titleOf({ todo }: Change): string {
  return foreign(todo?.title ?? "");
}

function whoDid({ client, client_name: name }: Change): string {
  if (client === "person") return t("by_you");
  if (client === "upkeep") return t("by_upkeep");
  if (client?.startsWith("app:")) return name ? foreign(name, LONGEST_NAME) : t("by_app");
  if (client?.startsWith("key:")) return t("by_key", { name: foreign(name ?? "", LONGEST_NAME) });
  return t("by_unknown");
}
