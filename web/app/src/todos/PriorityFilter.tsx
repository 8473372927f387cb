import { PRIORITIES, want, wanted } from "./wanted.ts";
import { Disclosure } from "../design/Disclosure.tsx";
import { t } from "../words/index.ts";

/** Which priorities are shown: any, or those that are ticked. */
export function PriorityFilter() {
  const { priority } = wanted.value;
  const chosen = priority.map((name) => t(`priority_${name}`));
  const [first = t("priority"), ...others] = chosen;
  const summary = (
    <>
      <span>{first}</span>
      {others.length > 0 && `+${others.length}`}
    </>
  );
  const toggle = (name: (typeof PRIORITIES)[number]) =>
    want({ priority: PRIORITIES.filter((each) => priority.includes(each) !== (each === name)) });
  return (
    <Disclosure class="priorities" label={`${t("priority")}: ${chosen.join(", ") || t("priority_any")}`} summary={summary}>
      <fieldset>
        <legend class="unseen">{t("priority")}</legend>
        {PRIORITIES.map((name) => (
          <label key={name}>
            <input type="checkbox" checked={priority.includes(name)} onChange={() => toggle(name)} />
            {t(`priority_${name}`)}
          </label>
        ))}
      </fieldset>
      <button type="button" disabled={!priority.length} onClick={() => want({ priority: [] })}>
        {t("priority_any")}
      </button>
    </Disclosure>
  );
}
