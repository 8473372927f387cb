import { useEffect, useRef } from "preact/hooks";
import { forgetSteps } from "./actions.ts";
import { keyboard } from "./keyboard.ts";
import { KeysHelp } from "./KeysHelp.tsx";
import { list } from "./list.ts";
import { isLive, listen } from "./live.ts";
import { forget, resume } from "./outbox.ts";
import { pending } from "./pending.ts";
import { QuickAdd } from "./QuickAdd.tsx";
import { SelectionBar } from "./SelectionBar.tsx";
import { isSelecting, leaveSelection } from "./selection.ts";
import { TodoList } from "./TodoList.tsx";
import { Toolbar } from "./Toolbar.tsx";
import { wanted } from "./wanted.ts";
import { announce, hush } from "../design/announcer.ts";
import { isReachable } from "../offline/reachable.ts";
import { person } from "../session/session.ts";
import { t, tn } from "../words/index.ts";

export function TodosScreen() {
  const id = person.value?.id;
  const wasReachable = useRef(true);
  useEffect(() => {
    void resume();
    const stop = listen();
    return () => {
      stop();
      forget();
      forgetSteps();
      leaveSelection();
      hush();
    };
  }, [id]);
  useEffect(() => keyboard(), []);
  useEffect(
    () =>
      isReachable.subscribe((isBack) => {
        if (wasReachable.current !== isBack) announce(t(isBack ? "online" : "offline"));
        wasReachable.current = isBack;
      }),
    [],
  );
  useEffect(() => void (document.title = `${t("todos")} · ${t("product")}`));
  return (
    <main class="todos" data-live={isLive.value || undefined} data-waiting={pending.value.length || undefined}>
      <h1 class="unseen" id="todos-title" tabIndex={-1}>{t("todos")}</h1>
      <QuickAdd />
      <Toolbar />
      <Connection />
      <TodoList />
      {isSelecting.value && <SelectionBar />}
      <KeysHelp />
    </main>
  );
}

/** How many there are; and while the server is away, that it is, and what waits for it. */
function Connection() {
  const { phase, total } = list.value;
  const waiting = pending.value.length;
  if (!isReachable.value) {
    return (
      <p class="offline">
        {t("offline")} {waiting > 0 && tn("waiting", waiting)}
      </p>
    );
  }
  return (
    <p class="count">
      {phase === "ready" && total > 0 ? tn("total", total) : "\u00a0"}
      {wanted.value.status === "deleted" && total > 0 ? ` · ${t("status_deleted")}` : ""}
    </p>
  );
}
