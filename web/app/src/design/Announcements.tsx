import { useRef } from "preact/hooks";
import { dismiss, said, stay, toast } from "./announcer.ts";
import { Icon } from "./Icon.tsx";
import { t } from "../words/index.ts";

export function Announcements() {
  const shown = toast.value;
  const opener = useRef<HTMLElement | null>(null);
  const close = () => {
    dismiss();
    opener.current?.focus();
  };
  return (
    <>
      <p class="unseen" id="said" role="status">
        {said.value}
      </p>
      {shown && (
        <aside
          class={`toast ${shown.kind}`}
          aria-label={shown.words}
          onPointerEnter={() => stay(true)}
          onPointerLeave={() => stay(false)}
          onFocusIn={({ currentTarget, relatedTarget }) => {
            if (!currentTarget.contains(relatedTarget as Node)) opener.current = relatedTarget as HTMLElement | null;
            stay(true);
          }}
          onFocusOut={() => stay(false)}
        >
          <p class="foreign">{shown.words}</p>
          {shown.undo && (
            <button type="button" onClick={shown.undo}>
              {t("undo")}
            </button>
          )}
          <button type="button" class="bare" aria-label={t("close")} onClick={close}>
            <Icon name="cross" />
          </button>
        </aside>
      )}
    </>
  );
}
