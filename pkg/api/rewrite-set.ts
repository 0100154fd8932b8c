import * as z from 'zod';
import { defaults } from './defaults.ts';
import { apiVersion, Metadata } from './metadata.ts';

/** A condition on one variable or header. */
export const RewriteCondition = z.strictObject({
  variable: z.string().min(1).max(256).describe('`var_NAME`, `http_req_NAME` or `http_resp_NAME`, without braces.'),
  pattern: z.string().min(1).max(1024).describe('Text or RE2 pattern, searched for, not anchored.'),
  ignoreCase: z.boolean().default(defaults.rewrite.ignoreCase).describe('Whether case does not matter.'),
  negate: z.boolean().default(defaults.rewrite.negate).describe('Whether the pattern must not be found.'),
});
export type RewriteCondition = z.infer<typeof RewriteCondition>;

/** Sets or deletes one header. */
export const HeaderConfiguration = z.strictObject({
  headerName: z.string().min(1).max(256).describe('Name of the header.'),
  headerValue: z
    .string()
    .max(32_768)
    .regex(/^[\t\x20-\x7e]*$/, 'has a character that is not visible ASCII, a space or a tab (RFC 9110 5.5)')
    .describe('Text with `{var_NAME}`, `{http_req_NAME}`, `{http_resp_NAME}`; empty deletes the header.'),
  headerValueMatcher: z
    .strictObject({
      pattern: z.string().min(1).max(1024).describe('RE2 pattern for the value.'),
      ignoreCase: z.boolean().default(defaults.rewrite.ignoreCase).describe('Whether case does not matter.'),
      negate: z.boolean().default(defaults.rewrite.negate).describe('Whether the pattern must not be found.'),
    })
    .optional()
    .describe('Only fields of this name whose value matches; for Set-Cookie in responses.'),
});
export type HeaderConfiguration = z.infer<typeof HeaderConfiguration>;

/** Changes path and query on the way to the application. */
export const UrlConfiguration = z.strictObject({
  modifiedPath: z.string().max(32_768).optional().describe('New path; absent leaves it.'),
  modifiedQueryString: z.string().max(32_768).optional().describe('New query; absent leaves it, empty removes it.'),
  reroute: z
    .boolean()
    .default(defaults.rewrite.reroute)
    .describe('Only false: there is one application, so there is nothing to route anew.'),
});
export type UrlConfiguration = z.infer<typeof UrlConfiguration>;

/** One rule; every matching one runs, by ascending ruleSequence. */
export const RewriteRule = z.strictObject({
  name: z.string().min(1).max(80).describe('Name of the rule, for messages.'),
  ruleSequence: z.int().min(1).max(1000).describe('Order, unique in the set.'),
  conditions: z.array(RewriteCondition).max(40).default([]).describe('AND-ed; none is always true.'),
  actionSet: z
    .strictObject({
      requestHeaderConfigurations: z
        .array(HeaderConfiguration)
        .max(40)
        .default([])
        .describe('Headers of the request to the application.'),
      responseHeaderConfigurations: z
        .array(HeaderConfiguration)
        .max(40)
        .default([])
        .describe('Headers of the response to the client.'),
      urlConfiguration: UrlConfiguration.optional().describe('Path and query.'),
    })
    .describe('What the rule does.'),
});
export type RewriteRule = z.infer<typeof RewriteRule>;

/** What is wanted. */
export const RewriteSetSpec = z.strictObject({
  rewriteRules: z.array(RewriteRule).min(1).max(40).describe('The rules.'),
});
export type RewriteSetSpec = z.infer<typeof RewriteSetSpec>;

/** Rules that profiles refer to by name. */
export const RewriteSet = z.strictObject({
  apiVersion: z.literal(apiVersion).describe('Group and version.'),
  kind: z.literal('RewriteSet').describe('Kind.'),
  metadata: Metadata,
  spec: RewriteSetSpec.describe('What is wanted.'),
  status: z.looseObject({}).optional().describe('Written by the operator.'),
});
export type RewriteSet = z.infer<typeof RewriteSet>;
