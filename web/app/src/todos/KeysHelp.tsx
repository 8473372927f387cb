import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../words/index.ts";

export const isHelpOpen = signal(false);

const KEYS = [
  [["n"], "key_new"],
  [["/"], "key_search"],
  [["↑", "↓"], "key_move"],
  [["c"], "key_complete"],
  [["e"], "key_edit"],
  [["Del"], "key_delete"],
  [["x"], "key_select"],
  [["1", "2", "3", "4"], "key_priority"],
  [["Ctrl", "Z"], "key_undo"],
  [["Esc"], "key_leave"],
  [["?"], "key_help"],
] as const;

export function KeysHelp() {
  const dialog = useRef<HTMLDialogElement>(null);
  const isOpen = isHelpOpen.value;
  useLayoutEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog ref={dialog} aria-labelledby="keys-title" onClose={() => (isHelpOpen.value = false)}>
      <h2 id="keys-title">{t("keys_title")}</h2>
      <dl class="keys">
        {KEYS.map(([keys, words]) => (
          <div>
            <dt>
              {keys.map((key) => (
                <kbd>{key}</kbd>
              ))}
            </dt>
            <dd>{t(words)}</dd>
          </div>
        ))}
      </dl>
      <div class="actions">
        <button type="button" autoFocus onClick={() => (isHelpOpen.value = false)}>
          {t("close")}
        </button>
      </div>
    </dialog>
  );
}
