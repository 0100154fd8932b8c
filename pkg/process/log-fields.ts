/** What a log field may be: JSON, plus errors and bytes, which are made printable. */
export type LogValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Error
  | Uint8Array
  | readonly LogValue[]
  | { readonly [name: string]: LogValue };
export type LogFields = { readonly [name: string]: LogValue };
