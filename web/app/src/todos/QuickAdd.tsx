import { useRef, useState } from "preact/hooks";
import { create } from "./actions.ts";
import { typed } from "./quick_add.ts";
import { want, wanted } from "./wanted.ts";
import { Icon } from "../design/Icon.tsx";
import { t } from "../words/index.ts";

const LONGEST_TITLE = 200;

export function QuickAdd() {
  const field = useRef<HTMLInputElement>(null);
  const [line, setLine] = useState("");
  const { title, priority } = typed(line);
  const add = (event: Event) => {
    event.preventDefault();
    field.current?.focus();
    if (!title) return;
    // What is added should be seen.
    if (wanted.peek().status === "deleted" || wanted.peek().status === "completed") want({ status: "active" });
    create(title, priority);
    setLine("");
  };
  return (
    <form class="quick-add" onSubmit={add}>
      <label class="unseen" for="new-todo">
        {t("new_todo")}
      </label>
      <input
        ref={field}
        id="new-todo"
        value={line}
        placeholder={t("add_hint")}
        maxLength={LONGEST_TITLE}
        autocomplete="off"
        enterkeyhint="done"
        onInput={(event) => setLine(event.currentTarget.value)}
      />
      {title && priority !== "medium" && <span class={`mark ${priority}`}>{t(`priority_${priority}`)}</span>}
      <button class="primary" aria-label={t("add")}>
        <Icon name="plus" /> <span class="says">{t("add")}</span>
      </button>
    </form>
  );
}
