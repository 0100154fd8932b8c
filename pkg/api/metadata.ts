import * as z from 'zod';
import { defaults } from './defaults.ts';

/** The group and version of both kinds. */
export const apiVersion = 'lychgate.dev/v1alpha1';

/** What is read of ObjectMeta; the API server owns the rest, so unknown fields pass here and only here. */
export const Metadata = z
  .looseObject({
    name: objectName('Name of the object.'),
    namespace: z
      .string()
      .max(63)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'is not a namespace; lower-case letters, digits and hyphens are legal')
      .default(defaults.namespace)
      .describe('Namespace of the object.'),
    creationTimestamp: z.string().max(64).nullish().describe('RFC 3339; on equal claims the older resource wins.'),
    uid: z.string().max(64).optional().describe('Set by the API server.'),
    resourceVersion: z.string().max(64).optional().describe('Set by the API server.'),
    generation: z.int().optional().describe('Set by the API server.'),
  })
  .describe('Standard object metadata.');
export type Metadata = z.infer<typeof Metadata>;

/** The name of an object of the same namespace: an RFC 1123 subdomain of at most 253 characters. */
export function objectName(description: string) {
  return z
    .string()
    .min(1)
    .max(253)
    .regex(
      /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
      'is not an object name; lower-case letters, digits, hyphens and dots are legal',
    )
    .describe(description);
}
