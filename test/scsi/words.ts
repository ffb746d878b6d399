/** Names as words, whatever stands between those: for comparing ours with another program's. */

export function words(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
}
