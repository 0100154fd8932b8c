/** By leaf of the two kinds: the test that shows what the field does. Read by pkg/translate/leaves.test.ts. */
export const leaves: Readonly<Record<string, { readonly file: string; readonly test: string }>> = {};
