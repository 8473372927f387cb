/** Rows of a long list: only those near the window are there, however many there are. */
import { Virtualizer, measureElement, observeWindowOffset, observeWindowRect, windowScroll } from "@tanstack/virtual-core";
import { useLayoutEffect, useReducer, useState } from "preact/hooks";

const USUAL_HEIGHT = 61;
const BEYOND = 8;

interface Rows {
  count: number;
  keyOf: (index: number) => string;
  /** A row that stays there though it is out of sight. */
  kept: number;
  top: number;
}

export function useVirtualRows({ count, keyOf, kept, top }: Rows): Virtualizer<Window, HTMLLIElement> {
  const [, redraw] = useReducer((times: number, _: void) => times + 1, 0);
  const options = {
    count,
    getItemKey: keyOf,
    getScrollElement: () => window,
    estimateSize: () => USUAL_HEIGHT,
    overscan: BEYOND,
    scrollMargin: top,
    initialOffset: () => scrollY,
    initialRect: { width: innerWidth, height: innerHeight },
    observeElementRect: observeWindowRect,
    observeElementOffset: observeWindowOffset,
    scrollToFn: windowScroll,
    measureElement,
    onChange: () => redraw(),
    rangeExtractor: ({ startIndex, endIndex, overscan }: { startIndex: number; endIndex: number; overscan: number }) => {
      const first = Math.max(0, startIndex - overscan);
      const last = Math.min(count - 1, endIndex + overscan);
      const shown = Array.from({ length: Math.max(0, last - first + 1) }, (_, offset) => first + offset);
      if (kept >= 0 && kept < first) shown.unshift(kept);
      if (kept > last && kept < count) shown.push(kept);
      return shown;
    },
  };
  const [rows] = useState(() => new Virtualizer<Window, HTMLLIElement>(options));
  rows.setOptions(options);
  useLayoutEffect(() => rows._didMount(), []);
  useLayoutEffect(() => rows._willUpdate());
  return rows;
}
