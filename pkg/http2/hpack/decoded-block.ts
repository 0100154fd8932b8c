/** Of one field list. */
export interface FieldLimits {
  /** Octets: for every field its name, its value and 32 (RFC 9113 6.5.2, SETTINGS_MAX_HEADER_LIST_SIZE). */
  readonly maxListBytes: number;
  readonly maxFields: number;
}

/** What a field block says. */
export interface DecodedBlock {
  /** Flat: name, value; Latin-1 as received. Over a limit the ones that had room. */
  readonly fields: readonly string[];
  /** Whether a limit was passed. The block was read to its end all the same, for the table's sake. */
  readonly overLimit: boolean;
  /** Whether every field was one that `accepts` takes. */
  readonly accepted: boolean;
  /** Names of fields that no hop may put into a table (RFC 7541 6.2.3): to be encoded so again. */
  readonly neverIndexed: readonly string[];
}
