import { useEffect, useState } from "preact/hooks";
import { isHelpOpen } from "./KeysHelp.tsx";
import { PriorityFilter } from "./PriorityFilter.tsx";
import { isSelecting, selectNone } from "./selection.ts";
import { SORTS, STATUSES, type Sort, want, wanted } from "./wanted.ts";
import { Icon } from "../design/Icon.tsx";
import { t } from "../words/index.ts";

const PAUSE_MILLISECONDS = 150;

export function Toolbar() {
  const { status, sort } = wanted.value;
  const toggle = () => {
    selectNone();
    isSelecting.value = !isSelecting.value;
  };
  return (
    <div class="toolbar" role="group" aria-label={t("status")}>
      <div class="tabs">
        {STATUSES.map((name) => (
          <button type="button" aria-pressed={status === name} onClick={() => want({ status: name })}>
            {t(`status_${name}`)}
          </button>
        ))}
      </div>
      <Search />
      <div class="fine">
        <PriorityFilter />
        <select aria-label={t("sort")} value={sort} onChange={({ currentTarget: { value } }) => want({ sort: value as Sort })}>
          {SORTS.map((name) => (
            <option value={name}>{t(`sort_${name}`)}</option>
          ))}
        </select>
        <button type="button" id="select" aria-label={t("select")} aria-pressed={isSelecting.value} onClick={toggle}>
          <Icon name="many" /> <span class="says">{t("select")}</span>
        </button>
        <button type="button" class="for-keyboards" aria-label={t("keys")} title={`${t("keys")} (?)`} onClick={() => (isHelpOpen.value = true)}>
          <Icon name="keys" />
        </button>
      </div>
    </div>
  );
}

function Search() {
  const { q } = wanted.value;
  const [words, setWords] = useState(q);
  useEffect(() => setWords(q), [q]);
  useEffect(() => {
    if (words === wanted.peek().q) return;
    const timer = setTimeout(() => want({ q: words }), PAUSE_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [words]);
  return (
    <div class="search" role="search">
      <Icon name="search" />
      <input
        id="search"
        type="search"
        aria-label={t("search")}
        placeholder={t("search_hint")}
        maxLength={200}
        autocomplete="off"
        value={words}
        onInput={(event) => setWords(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Escape" && setWords("")}
      />
    </div>
  );
}
