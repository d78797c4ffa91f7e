// Templates of actions: filled in once, and escaped for where each value lands.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Alert } from '../../../actors/alert.ts';
import {
  contextOf,
  type Context,
  headerLine,
  html,
  json,
  line,
  plain,
  render,
  renderValue,
  TemplateError,
  templateFault,
  urlComponent,
} from '../../../actors/actions/template.ts';

const ALERT: Alert = {
  rule: 'hot',
  description: 'too hot',
  severity: 'critical',
  labels: {},
  state: 'firing',
  episode: 'hot#1',
  sinceMs: 1_000,
  atMs: 61_000,
  details: 'm.x > 80 (81)',
  monitor: 'm',
  monitors: { m: { x: 81, list: [1, { a: null }] }, other: { up: true } },
  event: { x: 81 },
  parameters: { limit: 80 },
};
const anything: fc.Arbitrary<unknown> = fc.oneof(
  fc.string({
    unit: fc.oneof(fc.constantFrom('"', '\\', '{', '}', '$', '${rule.name}', '\n', '\u2028', '\ud800', '<', "'"), fc.string({ unit: 'binary', maxLength: 1 })),
  }),
  fc.jsonValue(),
);
const context = (value: unknown): Context => ({ event: { x: value } });

describe('a template', () => {
  it('speaks of the rule, the monitor, all monitors, the event and the time', () => {
    const all = '${rule.name} ${rule.description} ${rule.severity} ${rule.state} ${rule.episode} ${rule.since} ${rule.details} ${rule.parameters.limit}';
    expect(render(all, contextOf({ alert: ALERT }), plain)).to.equal('hot too hot critical firing hot#1 1970-01-01T00:00:01.000Z m.x > 80 (81) 80');
    const rest = '${monitor.name} ${monitor.data.x} ${monitors.other.up} ${monitors.m.list.1.a} ${event.x} ${ system.timestamp }';
    expect(render(rest, contextOf({ alert: ALERT }), plain)).to.equal('m 81 true null 81 1970-01-01T00:01:01.000Z');
  });

  it('has for monitor.data the whole state of the monitor that triggered, or else the event', () => {
    const data = (monitor: string | undefined): unknown => renderValue('${monitor.data}', contextOf({ alert: { ...ALERT, monitor } }));
    expect(data('m')).to.equal(ALERT.monitors.m);
    for (const monitor of [undefined, 'unread', 'toString', 'constructor']) expect(data(monitor), monitor).to.equal(ALERT.event);
    expect(renderValue('${monitor.name}', contextOf({ alert: { ...ALERT, monitor: undefined } }))).to.equal(null);
  });

  it('never reads what it has filled in for references', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const filled = plain(value, '');
        expect(render('a${event.x}b${event.x}', context(value), plain)).to.equal(`a${filled}b${filled}`);
        expect(render('${event.x}', context('${rule.name}'), plain)).to.equal('${rule.name}');
      }),
    );
  });

  it('keeps the type of what one whole reference names, and is a text otherwise', () => {
    fc.assert(
      fc.property(anything, (value) => {
        expect(renderValue('${event.x}', context(value))).to.equal(value);
        expect(renderValue(' ${event.x}', context(value))).to.equal(` ${plain(value, '')}`);
      }),
    );
    expect(renderValue('', context(1))).to.equal('');
  });

  it('leaves alone what is no reference', () => {
    for (const text of ['', '$x', '{x}', '$ {rule.name}', '${', '${rule.name']) expect(render(text, contextOf({ alert: ALERT }), plain)).to.equal(text);
  });

  it('has nothing for a reference that leads nowhere, nor for one into a prototype', () => {
    const paths = ['rule.no', 'event.x.y', 'event.toString', 'event.__proto__', 'event.constructor.name', 'monitors.__proto__.x', 'rule.name.length', '', 'no'];
    for (const path of paths) expect(() => render(`\${${path}}`, contextOf({ alert: ALERT }), plain), path).to.throw(TemplateError, 'leads nowhere');
    const own: Context = { event: JSON.parse('{"__proto__": 1, "constructor": 2}') };
    for (const path of ['event.__proto__', 'event.constructor']) expect(() => render(`\${${path}}`, own, plain)).to.throw(TemplateError);
    expect(() => render('${event.x}', context(1), plain)).to.not.throw();
  });

  it('does not grow over a million characters', () => {
    expect(render('${event.x}', context('x'.repeat(1_048_576)), plain)).to.have.length(1_048_576);
    expect(() => render('${event.x}!', context('x'.repeat(1_048_576)), plain)).to.throw(TemplateError, 'grows over 1048576 characters');
  });
});

describe('templateFault', () => {
  const fault = (text: string): string => {
    const got = templateFault(text);
    return got ? `${got.expected}, got ${got.got}${got.nearest ? `, ${got.nearest}?` : ''}` : 'none';
  };

  it('finds nothing wrong with what may be filled in', () => {
    for (const text of ['', 'x', '${rule.name}', '${rule.parameters.x}', '${monitor.data.any.thing}', '${monitors.m.x}', '${event.x}', '${system.timestamp}'])
      expect(fault(text)).to.equal('none');
  });

  it('names the first reference that can never be filled in, with the nearest that can', () => {
    const roots = 'a reference to rule.…, monitor.…, monitors.…, event.…, alerts.…, system.…';
    expect(fault('${rule.name} ${rul.name}')).to.equal(`${roots}, got \${rul.name}, rule?`);
    expect(fault('${paramters.x}')).to.equal(`${roots}, got \${paramters.x}, parameters?`);
    expect(fault('${}')).to.equal(`${roots}, got \${}`);
    expect(fault('${rule.nam}')).to.match(/^rule\.name, rule\.description, .*, got \$\{rule\.nam\}, name\?$/);
    expect(fault('${monitor.dat}')).to.equal('monitor.name, monitor.data, got ${monitor.dat}, data?');
    expect(fault('${monitor}')).to.equal('monitor.name, monitor.data, got ${monitor}');
    expect(fault('${system.time}')).to.equal('system.timestamp, got ${system.time}');
    expect(fault('${event}')).to.equal('a name behind event., got ${event}');
    expect(fault('${monitors.}')).to.equal('a name behind monitors., got ${monitors.}');
  });
});

describe('what is filled into JSON', () => {
  it('leaves it well formed, and is what it was: a value by itself, a part of a text within quotes', () => {
    fc.assert(
      fc.property(anything, anything, (a, b) => {
        const text = '{"a": ${event.a}, "b": "<${event.b}>", "c": [${event.a}, "\\"${event.a}\\\\", "${event.b}${event.a}"]}';
        const whole = JSON.parse(render(text, { event: { a, b } }, json));
        const copy = JSON.parse(JSON.stringify({ a }));
        const [inA, inB] = [JSON.parse(JSON.stringify(plain(a, ''))), JSON.parse(JSON.stringify(plain(b, '')))];
        expect(whole).to.deep.equal({ a: copy.a, b: `<${inB}>`, c: [copy.a, `"${inA}\\`, `${inB}${inA}`] });
      }),
      { numRuns: 500 },
    );
  });

  it('adds no key and no element, whatever it is', () => {
    fc.assert(
      fc.property(anything, (value) => {
        expect(Object.keys(JSON.parse(render('{"a": "${event.x}", "b": ${event.x}}', context(value), json)))).to.deep.equal(['a', 'b']);
      }),
    );
  });
});

describe('what is filled in elsewhere', () => {
  const filled = (escapeFor: typeof html, value: unknown): string => render('${event.x}', context(value), escapeFor);

  it('is for HTML text: it opens no element, ends no attribute, and can be read again', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const out = filled(html, value);
        expect(out).to.not.match(/[<>"']|&(?!#\d+;)/);
        expect(out.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))).to.equal(plain(value, ''));
      }),
    );
  });

  it('is for a URL one component: it ends no path, query or fragment', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const url = new URL(`http://host/p/-${filled(urlComponent, value)}/q?a=-${filled(urlComponent, value)}&b=1#c`);
        const text = plain(value, '').toWellFormed();
        expect([url.host, url.hash, url.searchParams.get('b'), url.searchParams.get('a')]).to.deep.equal(['host', '#c', '1', `-${text}`]);
        expect(url.pathname.split('/')).to.have.length(4);
      }),
    );
  });

  it('is for a subject or a line of the log one line', () => {
    fc.assert(
      fc.property(anything, (value) => {
        expect(filled(line, value)).to.not.match(/[\0-\x1f\x7f]/);
      }),
    );
    expect(filled(line, 'a\r\nBcc: x@y\tz')).to.equal('a Bcc: x@y z');
  });

  it('is for a header one line of bytes that every HTTP client may send, and is UTF-8', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const out = headerLine('x ${event.x}', context(value));
        expect(out).to.match(/^[\t\x20-\x7e\x80-\xff]*$/);
        expect(Buffer.from(out, 'latin1').toString('utf8')).to.equal(`x ${filled(line, value).toWellFormed()}`);
      }),
    );
  });
});
