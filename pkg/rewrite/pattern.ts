import { RE2JS } from 're2js';
import { maxMatchSteps, maxPatternLength, maxProgramSize, maxSubjectLength } from './limits.ts';
import { RewriteOverflow } from './rewrite.ts';

/** A compiled RE2 pattern. It searches (no anchors are implied), `.` does not match a line end, `$` only the very end. */
export interface Pattern {
  /** Capture groups, group 0 not counted. */
  readonly groupCount: number;
  /** @throws RewriteOverflow where the subject is longer than this pattern may look at. */
  test(subject: string): boolean;
  /** The groups of the leftmost match from group 1 on, '' for one that took no part; undefined without a match. @throws RewriteOverflow. */
  groups(subject: string): readonly string[] | undefined;
}

/** A pattern that cannot be used; the message is RE2's, or names the limit. */
export class PatternInvalid extends Error {
  readonly code = 'PATTERN_INVALID';
}

/**
 * Compiles RE2 syntax, never JavaScript's: matching is linear in the subject whatever the pattern. Plain and anchored
 * literals are compared as strings, with the same results.
 * @throws PatternInvalid for bad syntax, over 1024 characters or over 1024 instructions.
 */
export function compilePattern(source: string, ignoreCase: boolean): Pattern {
  if (source.length > maxPatternLength) {
    throw new PatternInvalid(`pattern has ${source.length} characters, limit ${maxPatternLength}`);
  }
  const re2 = compileRe2(source, ignoreCase);
  if (re2.programSize() > maxProgramSize) {
    throw new PatternInvalid(
      `pattern compiles to ${re2.programSize()} instructions, limit ${maxProgramSize}: repeat less`,
    );
  }
  const searched = searchPattern(re2);
  const literal = readLiteral(source);
  return literal === undefined ? searched : literalPattern(literal, ignoreCase, searched);
}

/** What a pattern without any operator compares: text at the start, at the end, anywhere. */
interface Literal {
  readonly text: string;
  readonly start: boolean;
  readonly end: boolean;
}

function compileRe2(source: string, ignoreCase: boolean): RE2JS {
  try {
    return RE2JS.compile(source, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  } catch (error) {
    throw new PatternInvalid(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function searchPattern(re2: RE2JS): Pattern {
  const limit = Math.min(maxSubjectLength, Math.floor(maxMatchSteps / re2.programSize()));
  const test = (subject: string) => {
    checkLength(subject, limit);
    const found = re2.test(subject);
    // A client chooses the subjects, and with them how many states are remembered (8 MiB a pattern by default).
    const dfa = re2.re2().lazyDFA;
    if (dfa && dfa.stateBudget - dfa.memBudget > maxStateBytes) dfa.clearCache();
    return found;
  };
  const groups = (subject: string) => {
    // Finding out that nothing matches is several times cheaper than looking for groups.
    if (!test(subject)) return undefined;
    const found: readonly unknown[] | null = re2.exec(subject);
    return found?.slice(1).map((group) => (typeof group === 'string' ? group : ''));
  };
  return { groupCount: re2.groupCount(), test: remembered(test), groups: remembered(groups) };
}

/**
 * The same function with its last answers: clients say the same again and again, and looking one up costs a tenth of a
 * search. At most 64 subjects of at most 256 characters; all are forgotten when there is no room.
 */
function remembered<T>(find: (subject: string) => T): (subject: string) => T {
  const known = new Map<string, { readonly answer: T }>();
  return (subject) => {
    const before = known.get(subject);
    if (before !== undefined) return before.answer;
    const answer = find(subject);
    if (subject.length > maxRememberedLength) return answer;
    if (known.size >= maxRemembered) known.clear();
    // A part of a head keeps the whole head alive (V8's sliced strings).
    known.set(Buffer.from(subject, 'utf16le').toString('utf16le'), { answer });
    return answer;
  };
}

function literalPattern({ text, start, end }: Literal, ignoreCase: boolean, searched: Pattern): Pattern {
  const wanted = ignoreCase ? text.toLowerCase() : text;
  const test = (subject: string) => {
    checkLength(subject, maxSubjectLength);
    // Outside Latin-1 letters fold to ASCII ones (the Kelvin sign to k), and lower case may be longer: RE2 knows.
    if (ignoreCase && !latin1.test(subject)) return searched.test(subject);
    const given = ignoreCase ? subject.toLowerCase() : subject;
    if (start && end) return given === wanted;
    if (start) return given.startsWith(wanted);
    return end ? given.endsWith(wanted) : given.includes(wanted);
  };
  return { groupCount: 0, test, groups: (subject) => (test(subject) ? [] : undefined) };
}

/** Understands ASCII text, `\` before punctuation, `^` first and `$` last; undefined for everything else. */
function readLiteral(source: string): Literal | undefined {
  const parts = /^(\^?)((?:[A-Za-z0-9 !"#%&',/:;<=>@_`~-]|\\[!-/:-@[-`{-~])*)(\$?)$/.exec(source);
  if (parts === null) return undefined;
  return { text: (parts[2] ?? '').replace(/\\(.)/g, '$1'), start: parts[1] === '^', end: parts[3] === '$' };
}

function checkLength(subject: string, limit: number): void {
  if (subject.length <= limit) return;
  throw new RewriteOverflow(`a condition's value has ${subject.length} characters, limit ${limit} for its pattern`);
}

const latin1 = /^[\x00-\xff]*$/;
const maxStateBytes = 524_288;
const maxRemembered = 64;
const maxRememberedLength = 256;
