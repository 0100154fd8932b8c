/** A number in decimal digits, without sign or leading zeros; undefined where the text is none, or out of range. */
export function wholeNumber(text: string, least: number, most: number): number | undefined {
  if (!/^(0|[1-9][0-9]{0,8})$/.test(text)) return undefined;
  const number = Number(text);
  return number >= least && number <= most ? number : undefined;
}
