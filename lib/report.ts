/**
 * Supervisor, crash and progress reports as structured events on a diagnostics channel (`argos:otp`), with OTP's words. Nothing is
 * written or even built while nobody listens.
 */
import { channel } from 'node:diagnostics_channel';
import { type ExitReason, isAbnormal } from './exit.ts';
import type { Pid } from './process.ts';

/** OTP, "SASL Error Logging": what a supervisor says of a child, a process of its own crash, a start of its success. */
export type Report =
  | {
      readonly report: 'supervisor_report';
      readonly supervisor: Pid;
      readonly errorContext: 'start_error' | 'child_terminated' | 'shutdown_error' | 'shutdown';
      readonly reason: ExitReason;
      readonly offender: { readonly id: unknown; readonly pid?: Pid | undefined; readonly nbChildren?: number };
    }
  | { readonly report: 'crash_report'; readonly pid: Pid; readonly reason: ExitReason }
  | { readonly report: 'progress'; readonly supervisor: Pid; readonly started: { readonly id: unknown; readonly pid: Pid } };

const reports = channel('argos:otp');

export function publish(report: () => Report): void {
  if (reports.hasSubscribers) reports.publish(report());
}

/** What a supervisor has to say of `child`, in OTP's words. */
export function supervisorReport(
  supervisor: Pid,
  errorContext: 'start_error' | 'child_terminated' | 'shutdown_error' | 'shutdown',
  reason: ExitReason,
  child: {
    readonly spec: { readonly id: unknown };
    readonly pid?: Pid | undefined;
    readonly key?: Pid | undefined;
    readonly restarting?: boolean;
    readonly nbChildren?: number;
  },
): void {
  const { spec, pid = child.key, restarting = false, nbChildren } = child;
  const offender = { id: spec.id, pid: restarting ? undefined : pid, ...(nbChildren === undefined ? {} : { nbChildren }) };
  publish(() => ({ report: 'supervisor_report', supervisor, errorContext, reason, offender }));
}

/** proc_lib:crash_report/4: a process that ends abnormally by its own doing says so. */
export function crashReport(pid: Pid, reason: ExitReason): void {
  if (isAbnormal(reason)) publish(() => ({ report: 'crash_report', pid, reason }));
}

/** Hear every report. Answers how to stop hearing. */
export function onReport(listener: (report: Report) => void): () => void {
  const heard = (message: unknown): void => listener(message as Report); // this file alone publishes on the channel
  reports.subscribe(heard);
  return () => {
    reports.unsubscribe(heard);
  };
}
