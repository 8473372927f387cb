import { useRef, useState } from "preact/hooks";
import { t } from "../words/index.ts";

const SHOWN_MILLISECONDS = 2_000;

/** A text with a button that copies it. */
export function CopyLine({ text, label, id }: { text: string; label: string; id?: string }) {
  const code = useRef<HTMLElement>(null);
  const [words, setWords] = useState<"copy" | "copied" | "marked">("copy");
  const copy = async () => {
    // The clipboard exists only on https and localhost; elsewhere the selection is one key press away from a copy.
    try {
      await navigator.clipboard.writeText(text);
      setWords("copied");
    } catch {
      if (code.current) getSelection()?.selectAllChildren(code.current);
      setWords("marked");
    }
    setTimeout(() => setWords("copy"), SHOWN_MILLISECONDS);
  };
  return (
    <p class="copyable">
      <code ref={code} id={id}>
        {text}
      </code>
      <button class="copy" type="button" aria-label={label} onClick={() => void copy()}>
        {t(words)}
      </button>
    </p>
  );
}
