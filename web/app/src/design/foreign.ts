/** Text of somebody else's, on one line: invisible characters could turn it around or make it look empty. */
export function foreign(text: string, longest = 80): string {
  const visible = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, " ").trim();
  const cut = [...visible].slice(0, longest).join("");
  return cut.length < visible.length ? `${cut}…` : visible;
}
