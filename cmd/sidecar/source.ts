/** Where the policy comes from: a folder, or the operator. */
export interface Source {
  /** Why no traffic should come here; empty when all is well. */
  notReady(): readonly string[];
  close(): Promise<void> | void;
}
