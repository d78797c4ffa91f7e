/** `explain`: why a rule fires or does not. */
import type { Argv } from 'yargs';
import type { AckReply, AlertDetail, ExplainedPart, ResourceInfo, RuleDetail } from '../../proto/api.ts';
import { ask, CommandError, EXIT } from '../client.ts';
import { paint, print, printJson } from '../output.ts';

interface Common {
  readonly socket: string;
  readonly json: boolean;
}

export const ruleCommands = (yargs: Argv<Common>): Argv<Common> =>
  explaining(yargs).command(
    'ack <rule>',
    'say that you have seen to what fires: it is told no more, but for its end',
    (y) =>
      y
        .positional('rule', { type: 'string', demandOption: true, describe: 'its name' })
        .option('instance', { type: 'string', describe: 'of a rule with for_each: the alert of this monitor only' })
        .option('comment', { type: 'string', alias: 'c', default: '', describe: 'what you know or do about it' }),
    async ({ socket, json, rule, instance, comment }) => {
      const reply = await ask<AckReply>(socket, 'POST', `/v1/rules/${encodeURIComponent(rule)}/ack`, { instance, comment });
      if (json) printJson(reply);
      else for (const episode of reply.episodes) print(`acknowledged ${episode}`);
    },
  );

const explaining = (yargs: Argv<Common>): Argv<Common> =>
  yargs.command(
    'explain <kind> <name>',
    'why a rule fires or does not: each part of its condition with its value now',
    (y) =>
      y
        .positional('kind', { choices: ['rule'] as const, demandOption: true, describe: 'what it is' })
        .positional('name', { type: 'string', demandOption: true, describe: 'its name' })
        .option('instance', { type: 'string', describe: 'of a rule with for_each: this monitor only' }),
    async ({ socket, json, name, instance }) => {
      const info = await ask<ResourceInfo>(socket, 'GET', `/v1/resources/rule/${encodeURIComponent(name)}`);
      if (info.status !== 'running') throw new CommandError(`rule ${name} is ${info.status}: it judges nothing (argos status says why)`, EXIT.failed);
      const detail = info.detail as RuleDetail; // what a rule says of itself
      if (instance === undefined) {
        if (json) printJson(detail);
        else print(detail.instances ? instancesText(name, detail) : alertText(`rule ${name}`, detail));
        return;
      }
      const one = await ask<AlertDetail>(socket, 'GET', `/v1/rules/${encodeURIComponent(name)}/alert?${new URLSearchParams({ instance })}`);
      if (json) printJson(one);
      else print(alertText(`rule ${name}, ${instance}`, one));
    },
  );

function instancesText(name: string, { instances = {}, count = 0, refused = 0 }: RuleDetail): string {
  const all = Object.entries(instances);
  if (all.length === 0) return `rule ${name}: no monitor that for_each matches has seen anything yet`;
  const more = [
    ...(count > all.length ? [`and ${count - all.length} more, of which none matters more: --instance shows one`] : []),
    ...(refused > 0 ? [paint('red', `${refused} monitors have no alert: a rule has ${count} at the most`)] : []),
  ];
  return [...all.map(([key, one]) => alertText(`rule ${name}, ${key}`, one)), ...more].join('\n\n');
}

function alertText(
  title: string,
  { phase, since, episode, lastTold, held, heldBy, acknowledged, timers, dataAge, explanation, clearWhen, changes }: AlertDetail,
): string {
  const style = phase === 'firing' ? 'red' : phase === 'inactive' ? 'green' : 'yellow';
  const facts = [
    episode === null ? undefined : `episode ${episode}`,
    held === null ? undefined : `not told: ${held}${heldBy === null ? '' : ` (${heldBy})`}`,
    acknowledged === null ? undefined : `acknowledged by ${acknowledged.by} at ${acknowledged.at}${acknowledged.comment && `: ${acknowledged.comment}`}`,
    ...Object.entries(timers).map(([timer, { passed, of }]) => `${timer}: ${passed.toFixed(1)} of ${of} s`),
    lastTold === null ? undefined : `last told ${lastTold}`,
    dataAge === null ? 'nothing has come since the rule was started' : `data of ${dataAge.toFixed(1)} s ago`,
  ];
  return [
    `${title}: ${paint(style, phase)}${phase === 'inactive' ? '' : ` since ${since}`}`,
    ...facts.filter((fact) => fact !== undefined).map((fact) => `  ${fact}`),
    ...(explanation ? ['condition', ...partText(explanation, '  ')] : []),
    ...(clearWhen ? ['clear_when', ...partText(clearWhen, '  ')] : []),
    ...(changes.length > 0 ? ['what changed'] : []),
    ...changes.map(({ at, from, to, cause, details }) => `  ${at}  ${from} → ${to}${cause === 'condition' ? '' : ` (${cause})`}  ${details}`),
  ].join('\n');
}

export function partText({ text, truth, value, reason, of = [] }: ExplainedPart, indent: string): readonly string[] {
  const said = truth === null ? paint('yellow', 'unknown') : paint(truth ? 'red' : 'green', String(truth));
  const shown = value === undefined ? '' : ` = ${JSON.stringify(value)?.slice(0, 120)}`;
  return [`${indent}${text}: ${said}${shown}${reason === undefined ? '' : ` (${reason})`}`, ...of.flatMap((part) => partText(part, `${indent}  `))];
}
