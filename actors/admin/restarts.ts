/** What the supervisors report: how often each child was restarted and why it last ended. Written to the log and counted. */
import { reasonText } from '../../lib/exit.ts';
import { onReport, type Report } from '../../lib/report.ts';
import { logger } from '../logger.ts';
import * as vitals from '../vitals.ts';

export interface Past {
  readonly restarts: number;
  readonly lastExit: string;
}

const MOST = 10_000;

export class Restarts {
  readonly #past = new Map<string, Past>();
  total = 0;
  /** The stages, while the node is starting: whoever starts it tells why one of them does not start. */
  starting: readonly string[] = [];

  /** Listen until the answer is called. */
  listen(): () => void {
    return onReport((report) => this.#hear(report));
  }

  of(child: string): Past | undefined {
    return this.#past.get(child);
  }

  #hear(report: Report): void {
    if (report.report === 'progress' || this.#isToldOtherwise(report)) return;
    const reason = reasonText(report.reason);
    const stack = report.reason instanceof Error ? { stack: report.reason.stack } : {};
    if (report.report === 'crash_report') {
      logger(report.pid.name).error('crash_report', { reason, ...stack });
      return;
    }
    const child = String(report.offender.id);
    logger(report.supervisor.name).error('supervisor_report', {
      errorContext: report.errorContext,
      reason,
      offender: child,
      ...(report.errorContext === 'start_error' ? stack : {}),
    });
    if (report.errorContext !== 'child_terminated') return;
    const past = this.#past.get(child);
    if (!past && this.#past.size >= MOST) return;
    this.#past.set(child, { restarts: (past?.restarts ?? 0) + 1, lastExit: reason });
    this.total++;
    vitals.restarts.inc({ child });
  }

  #isToldOtherwise(report: Exclude<Report, { readonly report: 'progress' }>): boolean {
    const stage = report.report === 'crash_report' ? report.pid.name : report.errorContext === 'start_error' ? report.offender.id : undefined;
    return this.starting.some((one) => one === stage);
  }
}
