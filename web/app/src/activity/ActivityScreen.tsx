import { type components, answered, uuid7 } from "@todo-evolution/client";
import { useEffect, useRef, useState } from "preact/hooks";
import { ActionRow } from "./ActionRow.tsx";
import { type ActionTaken, type Change, actionsIn, isJoined, isOfOthers, withOlder } from "./actions_taken.ts";
import { useNews } from "./news.ts";
import { NotLoaded } from "../design/NotLoaded.tsx";
import { explained } from "../account/explained.ts";
import { show } from "../design/announcer.ts";
import { api } from "../session/auth.ts";
import { t, tn } from "../words/index.ts";

const PAGE = 100;

/** What was done with one's todos, by whom, and the way back. */
export default function ActivityScreen() {
  const [changes, setChanges] = useState<Change[] | null>(null);
  const told = useRef<Change[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [isOthersOnly, setOthersOnly] = useState(false);
  const [trouble, setTrouble] = useState("");

  const load = async (cursor?: string) => {
    setTrouble("");
    try {
      const query = { limit: PAGE, ...(cursor && { cursor }) };
      const { items, page } = await answered(api.client.GET("/api/activity", { params: { query } }));
      const known = told.current;
      const goesOn = cursor === undefined && isJoined(items, known);
      told.current = cursor ? [...known, ...items] : goesOn ? withOlder(items, known) : items;
      setChanges(told.current);
      // What was shown of older ones stays, and so does where they go on.
      if (!goesOn) setNext(page.next_cursor);
    } catch (reason) {
      setTrouble(explained(reason));
    }
  };
  const undo = async ({ action }: ActionTaken) => {
    try {
      const params = { header: { "Idempotency-Key": uuid7() } };
      const { todos } = await answered(api.client.POST("/api/undo", { body: { action: action! } as Wanted, params }));
      show({ kind: "news", words: outcomeOf(todos) });
      await load();
    } catch (reason) {
      show({ kind: "trouble", words: explained(reason) });
    }
    document.getElementById(`action-${action}`)?.focus();
  };
  useEffect(() => {
    document.title = `${t("activity")} · ${t("product")}`;
    void load();
  }, []);
  useNews(load);

  const shown = actionsIn(changes ?? []).filter((taken) => !isOthersOnly || isOfOthers(taken));
  return (
    <main class="account-page">
      <div class="intro">
        <h1>{t("activity")}</h1>
        <p class="lead">{t("activity_words")}</p>
      </div>
      <div class="tabs" role="group" aria-label={t("by_whom")}>
        {([false, true] as const).map((others) => (
          <button type="button" aria-pressed={isOthersOnly === others} onClick={() => setOthersOnly(others)}>
            {t(others ? "by_others" : "by_everybody")}
          </button>
        ))}
      </div>
      {trouble && <NotLoaded why={trouble} load={load} />}
      {!changes && !trouble && (
        <p class="empty" role="status">
          {t("loading")}
        </p>
      )}
      <ol class="rows activity">
        {shown.map((taken) => (
          <ActionRow key={taken.changes[0]!.seq} taken={taken} undo={undo} />
        ))}
      </ol>
      {changes && !shown.length && <p class="empty">{t(isOthersOnly ? "no_activity_of_others" : "no_activity")}</p>}
      {next && (
        <div class="actions end">
          <button type="button" onClick={() => void load(next)}>
            {t("show_older")}
          </button>
        </div>
      )}
    </main>
  );
}

type Wanted = components["schemas"]["UndoWanted"];

function outcomeOf(todos: readonly { outcome: string }[]): string {
  const count = (...outcomes: string[]) => todos.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const [undone, stay] = [count("undone", "unchanged"), count("conflict", "purged")];
  return [undone > 0 && tn("undone_many", undone), stay > 0 && tn("undo_stays", stay)].filter(Boolean).join(". ");
}
