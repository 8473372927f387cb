/** Our own few pictures, drawn with lines like the sign of the product. */
const PATHS = {
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 8.5a7.5 7.5 0 0 1 15 0",
  check: "M5 12.5l4.5 4.5L19 7.5",
  plus: "M12 5v14M5 12h14",
  bin: "M4.5 6.5h15M9.5 6V4h5v2m-8 .5 1 13h9l1-13M10 10.5v5m4-5v5",
  back: "M8 5 4 9l4 4M4.5 9H14a5 5 0 0 1 0 10H9",
  cross: "M6 6l12 12M18 6 6 18",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Zm5-2 5 5",
  keys: "M4 7h16v10H4zM7.5 10.5h.01M11 10.5h.01M14.5 10.5h.01M17 10.5h.01M8.5 14h7",
  many: "M4 6.5 5.5 8 8.5 5M4 13l1.5 1.5 3-3M4 19.5 5.5 21l3-3M12 6.5h8M12 13h8m-8 6.5h8",
} as const;

export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg viewBox="0 0 24 24" width="20" height="20" class="icon" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
