import { dismiss, said, stay, toast } from "./announcer.ts";
import { Icon } from "./Icon.tsx";
import { t } from "../words/index.ts";

export function Announcements() {
  const shown = toast.value;
  return (
    <>
      <p class="unseen" role="status">
        {said.value}
      </p>
      {shown && (
        <aside
          class={`toast ${shown.kind}`}
          aria-label={shown.words}
          onPointerEnter={() => stay(true)}
          onPointerLeave={() => stay(false)}
          onFocusIn={() => stay(true)}
          onFocusOut={() => stay(false)}
        >
          <p class="foreign">{shown.words}</p>
          {shown.undo && (
            <button type="button" onClick={shown.undo}>
              {t("undo")}
            </button>
          )}
          <button type="button" class="bare" aria-label={t("close")} onClick={dismiss}>
            <Icon name="cross" />
          </button>
        </aside>
      )}
    </>
  );
}
