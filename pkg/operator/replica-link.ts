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
  /** This replica's, as the lease has it. */
  readonly identity: string;
  readonly reports: Pick<Reports, 'own'>;
  readonly start: (options: Pick<ReplicaReporterOptions, 'address'>) => ReplicaReporter;
}

/** Starts without a link: nobody holds the lease yet. */
export function createReplicaLink({ identity, reports, start }: ReplicaLinkOptions): ReplicaLink {
  let open: { readonly to: string; readonly reporter: ReplicaReporter } | undefined;

  function close(): void {
    open?.reporter.close();
    open = undefined;
  }

  return {
    follow({ leading, holder }) {
      // What has just stopped leading still stands in the lease. A holder that was made anew has another name.
      const other = !leading && holder !== undefined && holder.identity !== identity && holder.address !== '';
      const to = other ? `${holder.identity} ${holder.address}` : undefined;
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
