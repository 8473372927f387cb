import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { focusBeginning, rowsInView } from "./focus.ts";
import { isEmpty, isLoadingMore, isStale, list, load, more } from "./list.ts";
import { cursor, editing } from "./selection.ts";
import { TodoRow } from "./TodoRow.tsx";
import { useVirtualRows } from "./virtual_rows.ts";
import { isNarrowed, want, wanted } from "./wanted.ts";
import { t } from "../words/index.ts";

/** Pages are fetched before one comes to their end. */
const AHEAD = 40;

export function TodoList() {
  const { phase, items, next } = list.value;
  const frame = useRef<HTMLOListElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const found = frame.current ? Math.round(frame.current.getBoundingClientRect().top + scrollY) : 0;
    if (found !== top) setTop(found);
  });

  const kept = items.findIndex(({ id }) => id === (editing.value ?? cursor.value));
  const rows = useVirtualRows({ count: items.length, keyOf: (index) => items[index]?.id ?? String(index), kept, top });
  rowsInView.current = rows;
  const shown = rows.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (next && last >= items.length - AHEAD) void more();
  }, [last, next, items.length, isLoadingMore.value]);

  if (phase === "failed") return <Failed />;
  if (phase === "loading") return <Waiting />;
  if (isEmpty.value) return <Empty />;
  return (
    <ol class={isStale.value ? "rows stale" : "rows"} ref={frame} aria-label={t("todos")} aria-busy={isStale.value} style={{ height: `${rows.getTotalSize()}px` }}>
      {shown.map(({ key, index, start }) => {
        const todo = items[index];
        return (
          todo && (
            <li
              key={key}
              class="row"
              data-index={index}
              data-id={todo.id}
              ref={rows.measureElement}
              aria-setsize={next ? -1 : items.length}
              aria-posinset={index + 1}
              style={{ transform: `translateY(${start - top}px)` }}
            >
              <TodoRow todo={todo} isFirst={index === 0} />
            </li>
          )
        );
      })}
    </ol>
  );
}

function Waiting() {
  return (
    <div class="waiting" role="status">
      <span class="unseen">{t("loading")}</span>
      {[72, 48, 60, 36].map((width) => (
        <p aria-hidden="true">
          <i style={{ width: `${width}%` }} />
        </p>
      ))}
    </div>
  );
}

function showEverything() {
  want({ q: "", priority: [] });
  // The button goes with what it has done.
  document.getElementById("search")?.focus();
}

function tryAgain() {
  focusBeginning();
  void load();
}

function Empty() {
  const { status } = wanted.value;
  if (isNarrowed.value) {
    return (
      <div class="nothing">
        <h2>{t("empty_found")}</h2>
        <p>{t("empty_found_words")}</p>
        <button type="button" onClick={showEverything}>
          {t("show_everything")}
        </button>
      </div>
    );
  }
  return (
    <div class="nothing">
      <img src="/static/favicon.svg" width="56" height="56" alt="" />
      <h2>{t(`empty_${status}`)}</h2>
      <p>{t(status === "all" ? "empty_active_words" : `empty_${status}_words`)}</p>
    </div>
  );
}

function Failed() {
  return (
    <div class="nothing" role="alert">
      <h2>{t("failed")}</h2>
      <p>{t("failed_words")}</p>
      <button type="button" class="primary" onClick={tryAgain}>
        {t("try_again")}
      </button>
    </div>
  );
}
