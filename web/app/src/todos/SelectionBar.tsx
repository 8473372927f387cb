import { act, prioritise } from "./actions.ts";
import type { Act } from "./edits.ts";
import { finishSelection } from "./focus.ts";
import { chosen, selectAll } from "./selection.ts";
import { PRIORITIES, wanted } from "./wanted.ts";
import { Icon } from "../design/Icon.tsx";
import { t, tn } from "../words/index.ts";

export function SelectionBar() {
  const todos = chosen.value;
  const isTrash = wanted.value.status === "deleted";
  const acts: Act[] = isTrash ? ["restore"] : ["complete", "reopen", "delete"];
  const finish = (work: () => void) => {
    work();
    finishSelection();
  };
  return (
    <section class="selection" aria-label={t("select")}>
      <p role="status">{tn("selected", todos.length)}</p>
      <button type="button" class="link" onClick={selectAll}>
        {t("select_all")}
      </button>
      <button type="button" class="bare leave" aria-label={t("cancel")} onClick={finishSelection}>
        <Icon name="cross" />
      </button>
      {acts.map((name) => (
        <button type="button" disabled={!todos.length} onClick={() => finish(() => act(name, fitting(name, todos)))}>
          {t(`act_${name}`)}
        </button>
      ))}
      {!isTrash && (
        <select
          aria-label={t("priority")}
          disabled={!todos.length}
          value=""
          onChange={({ currentTarget: { value } }) => finish(() => prioritise(todos, value as (typeof PRIORITIES)[number]))}
        >
          <option value="" disabled>
            {t("priority")}
          </option>
          {PRIORITIES.map((name) => (
            <option value={name}>{t(`priority_${name}`)}</option>
          ))}
        </select>
      )}
    </section>
  );
}

/** Those that something is to be done with: completing what is done says nothing. */
function fitting(name: Act, todos: typeof chosen.value) {
  if (name === "complete") return todos.filter(({ is_completed }) => !is_completed);
  if (name === "reopen") return todos.filter(({ is_completed }) => is_completed);
  return todos;
}
