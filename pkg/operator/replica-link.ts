import type { ReplicaReporter, ReplicaReporterOptions } from '../push/replicas.ts';
import type { SidecarReport } from '../push/report.ts';
import type { Reports } from './reports.ts';

/** Who holds the lease, as far as this replica knows. */
export interface LeaseView {
  readonly leading: boolean;
  readonly holder: { readonly identity: string; readonly address: string } | undefined;
}

/** Tells the lease holder what the sidecars that are connected here say. */
export interface ReplicaLink {
  /** Follows the lease: dials a new holder and tells it everything anew. */
  follow(lease: LeaseView): void;
  /** Of a sidecar that is connected here. */
  send(report: SidecarReport): void;
  forget(podUids: readonly string[]): void;
  close(): void;
}

export interface ReplicaLinkOptions {
  readonly reports: Pick<Reports, 'own'>;
  readonly start: (options: Pick<ReplicaReporterOptions, 'address'>) => ReplicaReporter;
}

/** Starts without a link: nobody holds the lease yet. */
export function createReplicaLink({ reports, start }: ReplicaLinkOptions): ReplicaLink {
  let open: { readonly to: string; readonly reporter: ReplicaReporter } | undefined;

  function close(): void {
    open?.reporter.close();
    open = undefined;
  }

  return {
    follow({ leading, holder }) {
      // A holder that is its own peer needs no stream; one that was made anew has another address, or another name.
      const to =
        leading || holder === undefined || holder.address === '' ? undefined : `${holder.identity} ${holder.address}`;
      if (to === open?.to) return;
      close();
      if (to === undefined || holder === undefined) return;
      open = { to, reporter: start({ address: holder.address }) };
      open.reporter.send(reports.own);
    },
    send: (report) => open?.reporter.send([report]),
    forget: (podUids) => open?.reporter.forget(podUids),
    close,
  };
}
