/**
 * Endless, repeatable variations of HTTP/1.1 messages: octets changed, inserted, removed, lines and slices moved
 * between messages. What comes out is mostly wrong by one small thing, as an attacker's messages are.
 */
export function mutations(seed: number, messages: readonly string[], fragments: readonly string[]): () => string {
  const random = generator(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = (list: readonly string[]) => list[below(list.length)] ?? '';
  const cut = (text: string, length: number) => {
    const from = below(text.length + 1);
    return text.slice(from, from + below(length));
  };
  const steps: readonly ((text: string, at: number) => string)[] = [
    (text, at) => text.slice(0, at) + pick(fragments) + text.slice(at),
    (text, at) => text.slice(0, at) + pick(fragments) + text.slice(at + 1),
    (text, at) => text.slice(0, at) + String.fromCharCode(below(256)) + text.slice(at + 1),
    (text, at) => text.slice(0, at) + text.slice(at + 1 + below(4)),
    (text, at) => text.slice(0, at) + cut(text, 24) + text.slice(at),
    (text, at) => text.slice(0, at) + cut(pick(messages), 40) + text.slice(at),
    (text) => withLines(text, (lines) => lines.splice(below(lines.length), 1)),
    (text) => withLines(text, (lines) => lines.splice(below(lines.length), 0, pick(pick(messages).split('\r\n')))),
    (text) => withLines(text, (lines) => lines.splice(below(lines.length), 0, lines[below(lines.length)] ?? '')),
    (text) => text + pick(messages),
  ];
  return () => {
    let text = pick(messages);
    for (let count = below(4); count > 0; count--)
      text = steps[below(steps.length)]?.(text, below(text.length + 1)) ?? text;
    return text;
  };
}

function withLines(text: string, edit: (lines: string[]) => unknown): string {
  const lines = text.split('\r\n');
  edit(lines);
  return lines.join('\r\n');
}

/** Numbers in [0, 1) by a 32-bit linear congruential step and a mix: repeatable, and good enough to choose with. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) >>> 0;
    return ((mixed ^ (mixed >>> 12)) >>> 0) / 2 ** 32;
  };
}
