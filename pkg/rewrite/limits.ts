/**
 * The bounds of rewriting. Azure's where Azure has one (its documented limits of rewrite sets), else what keeps one
 * request cheap. Whatever exceeds one at run time refuses the request (RewriteOverflow): nothing is ever cut.
 */

/** Header and URL actions in one set. Azure's. */
export const maxActionsPerSet = 40;
/** Conditions in one set. Azure's. */
export const maxConditionsPerSet = 40;
/** Characters of one header value that a rule makes. Azure's. */
export const maxHeaderValueLength = 32_768;
/** Characters of all headers that rules make for one message: names, values, and four each for `: ` and the line end. */
export const maxHeadersLength = 61_440;
/** Characters of a rewritten path and query together. Azure's. */
export const maxUrlLength = 32_768;
/** Characters of a pattern. */
export const maxPatternLength = 1024;
/** RE2 instructions of a compiled pattern. */
export const maxProgramSize = 1024;
/** Characters that any pattern may be matched against. */
export const maxSubjectLength = 32_768;
/**
 * Instructions times characters of one match: the linear cost that RE2 promises, bounded. At about 30 ns each this is
 * some 60 ms at the very worst; a pattern of up to 64 instructions still sees the whole `maxSubjectLength`.
 */
export const maxMatchSteps = 2_097_152;
/** Characters of a header name. */
export const maxHeaderNameLength = 256;
