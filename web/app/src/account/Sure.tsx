import { useLayoutEffect, useRef } from "preact/hooks";
import { Trouble, useWork } from "./Part.tsx";
import { t } from "../words/index.ts";

export interface Question {
  title: string;
  words: string;
  yes: string;
  act: () => Promise<unknown>;
  /** Takes the focus afterwards: what was acted on is gone, and with it the button that had it. */
  then: () => HTMLElement | null;
}

/** The one question before something ends for good. */
export function Sure({ question, close }: { question: Question | null; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const { isBusy, trouble, run } = useWork();
  useLayoutEffect(() => {
    if (question) dialog.current?.showModal();
  }, [question]);
  if (!question) return null;
  const say = async () => {
    if (!(await run(question.act))) return;
    dialog.current?.close();
    question.then()?.focus();
  };
  return (
    <dialog ref={dialog} aria-labelledby="sure-title" aria-describedby="sure-words" onClose={close}>
      <h2 id="sure-title">{question.title}</h2>
      <p id="sure-words">{question.words}</p>
      <Trouble words={trouble} />
      <div class="actions">
        <button class="danger" type="button" aria-disabled={isBusy} onClick={() => void say()}>
          {question.yes}
        </button>
        <button type="button" autoFocus onClick={() => dialog.current?.close()}>
          {t("keep_it")}
        </button>
      </div>
    </dialog>
  );
}
