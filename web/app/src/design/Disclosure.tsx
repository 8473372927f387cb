import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface DisclosureProps {
  class: string;
  label: string;
  summary: ComponentChildren;
  children: ComponentChildren;
}

/** A button that opens something over the page; it closes by Escape, by a press elsewhere, or when a link in it is followed. */
export function Disclosure({ class: name, label, summary, children }: DisclosureProps) {
  const frame = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = () => frame.current?.removeAttribute("open");
    const leave = (event: Event) => {
      if (!frame.current?.contains(event.target as Node)) close();
    };
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || !frame.current?.open) return;
      close();
      frame.current.querySelector("summary")?.focus();
    };
    const follow = (event: Event) => {
      if (frame.current?.contains(event.target as Node) && (event.target as Element).closest("a")) close();
    };
    addEventListener("pointerdown", leave);
    addEventListener("focusin", leave);
    addEventListener("keydown", escape);
    addEventListener("click", follow);
    return () => {
      removeEventListener("pointerdown", leave);
      removeEventListener("focusin", leave);
      removeEventListener("keydown", escape);
      removeEventListener("click", follow);
    };
  }, []);
  return (
    <details class={name} ref={frame}>
      <summary aria-label={label}>{summary}</summary>
      <div class="sheet">{children}</div>
    </details>
  );
}
