import type { Todo } from "@todo-evolution/client";
import { act } from "./actions.ts";
import { Editor } from "./Editor.tsx";
import { actAndMoveOn } from "./focus.ts";
import { cursor, editing, isSelecting, selected, toggleSelected } from "./selection.ts";
import { Icon } from "../design/Icon.tsx";
import { t } from "../words/index.ts";

export function TodoRow({ todo, isFirst }: { todo: Todo; isFirst: boolean }) {
  const { id, title } = todo;
  if (editing.value === id) return <Editor todo={todo} />;
  const isTrash = todo.deleted_at !== null;
  // One stop of the Tab key for the whole list; the arrows go on from there.
  const tabIndex = cursor.value === id || (cursor.value === null && isFirst) ? 0 : -1;
  return (
    <div class={rowClass(todo)} onFocusIn={() => (cursor.value = id)}>
      {isSelecting.value ? (
        <input
          class="pick"
          type="checkbox"
          checked={selected.value.has(id)}
          tabIndex={tabIndex}
          aria-label={t("select_one", { title })}
          onChange={() => toggleSelected(id)}
        />
      ) : (
        !isTrash && (
          <button
            type="button"
            class="tick-box"
            role="checkbox"
            aria-checked={todo.is_completed}
            aria-label={t("complete", { title })}
            tabIndex={tabIndex}
            onClick={() => actAndMoveOn(todo, () => act(todo.is_completed ? "reopen" : "complete", [todo]))}
          >
            <Icon name="check" />
          </button>
        )
      )}
      <button
        type="button"
        class="what"
        tabIndex={tabIndex}
        disabled={isTrash && !isSelecting.value}
        onClick={() => (isSelecting.value ? toggleSelected(id) : (editing.value = id))}
      >
        <bdi class="title foreign">{title}</bdi>
        {todo.priority !== "medium" && <span class={`mark ${todo.priority}`}>{t(`priority_${todo.priority}`)}</span>}
        {todo.description && <span class="note-line">{todo.description}</span>}
      </button>
      {isTrash ? (
        <button type="button" class="act" tabIndex={tabIndex} aria-label={t("restore", { title })} onClick={() => actAndMoveOn(todo, () => act("restore", [todo]))}>
          <Icon name="back" /> {t("restore_short")}
        </button>
      ) : (
        <button type="button" class="bare act" tabIndex={tabIndex} aria-label={t("delete", { title })} onClick={() => actAndMoveOn(todo, () => act("delete", [todo]))}>
          <Icon name="bin" />
        </button>
      )}
    </div>
  );
}

function rowClass({ is_completed, deleted_at }: Todo): string {
  return ["todo", is_completed && "is-done", deleted_at && "is-gone"].filter(Boolean).join(" ");
}
