import type { Priority, Todo } from "@todo-evolution/client";
import { useLayoutEffect, useRef } from "preact/hooks";
import { update } from "./actions.ts";
import type { Changes } from "./edits.ts";
import { focusRow } from "./focus.ts";
import { editing } from "./selection.ts";
import { PRIORITIES } from "./wanted.ts";
import { t } from "../words/index.ts";

export function Editor({ todo }: { todo: Todo }) {
  const form = useRef<HTMLFormElement>(null);
  const title = useRef<HTMLInputElement>(null);
  // Before anything else can be typed.
  useLayoutEffect(() => title.current?.select(), []);

  const close = () => {
    editing.value = null;
    focusRow(todo.id);
  };
  const save = (event?: Event) => {
    event?.preventDefault();
    const changes = changed(todo, new FormData(form.current!));
    if (changes.title === "") {
      title.current?.focus();
      return;
    }
    if (Object.keys(changes).length) update(todo, changes);
    close();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") close();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
  };

  return (
    <form class="editor" ref={form} onSubmit={save} onKeyDown={onKeyDown}>
      <div class="field">
        <label for="edit-title">{t("title")}</label>
        <input ref={title} id="edit-title" name="title" defaultValue={todo.title} required maxLength={200} autocomplete="off" />
      </div>
      <div class="field">
        <label for="edit-description">{t("description")}</label>
        <textarea id="edit-description" name="description" defaultValue={todo.description ?? ""} rows={3} maxLength={1000} />
      </div>
      <div class="field">
        <label for="edit-priority">{t("priority")}</label>
        <select id="edit-priority" name="priority" defaultValue={todo.priority}>
          {PRIORITIES.map((name) => (
            <option value={name} selected={name === todo.priority}>
              {t(`priority_${name}`)}
            </option>
          ))}
        </select>
      </div>
      <div class="actions">
        <button class="primary">{t("save")}</button>
        <button type="button" onClick={close}>
          {t("cancel")}
        </button>
      </div>
    </form>
  );
}

/** What is not as it was: the rest is left to whoever changes it elsewhere meanwhile. */
function changed(todo: Todo, data: FormData): Changes {
  const title = String(data.get("title")).trim();
  const description = String(data.get("description")).trim() || null;
  const priority = String(data.get("priority")) as Priority;
  return {
    ...(title !== todo.title && { title }),
    ...(description !== todo.description && { description }),
    ...(priority !== todo.priority && { priority }),
  };
}
