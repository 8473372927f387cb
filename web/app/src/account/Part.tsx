import type { ComponentChildren, RefObject } from "preact";
import { useState } from "preact/hooks";
import { explained } from "./explained.ts";

interface PartProps {
  id: string;
  title: string;
  words: string;
  heading?: RefObject<HTMLHeadingElement | null>;
  children: ComponentChildren;
}

/** One part of a page about the account: what it is on the left, what one can do on the right. */
export function Part({ id, title, words, heading, children }: PartProps) {
  return (
    <section class="part" aria-labelledby={id}>
      <div>
        <h2 id={id} ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <p>{words}</p>
      </div>
      <div>{children}</div>
    </section>
  );
}

/** Work that may be refused: whether it is under way, and what was wrong with it. */
export function useWork() {
  const [isBusy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  const run = async (work: () => Promise<unknown>) => {
    if (isBusy) return false;
    setBusy(true);
    setTrouble("");
    try {
      await work();
      return true;
    } catch (reason) {
      setTrouble(explained(reason));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { isBusy, trouble, run };
}

export function Trouble({ words }: { words: string }) {
  return (
    <p class="message" role="alert">
      {words}
    </p>
  );
}
