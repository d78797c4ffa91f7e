// Bytes and JSON from the wire into metrics and logs.
import { expect } from 'chai';
import fc from 'fast-check';
import { LEVELS, type Log, type Metric } from '../../../actors/event.ts';
import { decodeLogMessage, decodeLogs, decodeMetricMessage, decodeMetrics } from '../../../actors/listeners/decode.ts';

const NOW_MS = 1_750_000_000_000;
const LAST_MS = 253_402_300_799_999; // 9999-12-31T23:59:59.999Z
const word = fc.string({ minLength: 1, maxLength: 256, unit: 'binary-ascii' });
const tags = fc.dictionary(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), { maxKeys: 32, noNullPrototype: true });
const timestamp = fc.integer({ min: 0, max: LAST_MS });
const value = fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0); // JSON has no -0
const metric: fc.Arbitrary<Metric> = fc.record({ name: word, value, timestamp, service: word, tags }, { noNullPrototype: true });
const log: fc.Arbitrary<Log> = fc.record(
  { level: fc.constantFrom(...LEVELS), message: fc.string(), timestamp, service: word, tags },
  { noNullPrototype: true },
);
/** As the wire carries it. */
const wire = (json: unknown): unknown => JSON.parse(JSON.stringify(json));

const METRIC = { name: 'temperature', value: 21.5, service: 'greenhouse' };
const LOG = { level: 'error', message: 'door open', service: 'greenhouse' };
const metricFaults = (json: unknown): readonly string[] => decodeMetrics(json, NOW_MS).faults.map(({ index, error }) => `${index}: ${error}`);
const logFaults = (json: unknown): readonly string[] => decodeLogs(json, NOW_MS).faults.map(({ index, error }) => `${index}: ${error}`);

describe('decodeMetrics and decodeLogs', () => {
  it('take every valid item as it is, one by itself or many', () => {
    fc.assert(
      fc.property(fc.array(metric), fc.array(log), (metrics, logs) => {
        expect(decodeMetrics(wire(metrics), NOW_MS)).to.deep.equal({ items: metrics, faults: [] });
        expect(decodeLogs(wire(logs), NOW_MS)).to.deep.equal({ items: logs, faults: [] });
        for (const one of metrics) expect(decodeMetrics(wire(one), NOW_MS).items).to.deep.equal([one]);
      }),
    );
  });

  it('take now for a time that is left out, and no tags for tags that are', () => {
    const filled = { timestamp: NOW_MS, tags: {} };
    expect(decodeMetrics([METRIC, { ...METRIC, timestamp: null, tags: null }], NOW_MS)).to.deep.equal({
      items: [
        { ...METRIC, ...filled },
        { ...METRIC, ...filled },
      ],
      faults: [],
    });
    expect(decodeLogs(LOG, NOW_MS).items).to.deep.equal([{ ...LOG, ...filled }]);
  });

  it('read every time that ISO 8601 can say', () => {
    fc.assert(
      fc.property(timestamp, (ms) => {
        expect(decodeMetrics({ ...METRIC, timestamp: new Date(ms).toISOString() }, NOW_MS).items[0]?.timestamp).to.equal(ms);
      }),
    );
    const at = (text: string): unknown => decodeMetrics({ ...METRIC, timestamp: text }, NOW_MS).items[0]?.timestamp;
    expect([at('2024-01-01T00:00Z'), at('2024-01-01T01:30:00+01:30'), at('2024-01-01T00:00:00.123456Z')]).to.deep.equal([
      1_704_067_200_000, 1_704_067_200_000, 1_704_067_200_123,
    ]);
    expect(decodeMetrics({ ...METRIC, timestamp: 1.9 }, NOW_MS).items[0]?.timestamp).to.equal(1);
  });

  it('keep the good ones, and name each bad one by its place in the list', () => {
    const bad = fc.constantFrom<unknown[]>(null, 5, 'x', [], {}, { ...METRIC, value: 'x' }, { ...METRIC, name: '' }, { ...METRIC, extra: 1 });
    fc.assert(
      fc.property(fc.array(fc.oneof(metric, bad)), (list) => {
        const { items, faults } = decodeMetrics(wire(list), NOW_MS);
        const isGood = (one: unknown): boolean => typeof Object(one).timestamp === 'number';
        expect(items).to.deep.equal(list.filter(isGood));
        expect(faults.map(({ index }) => index)).to.deep.equal([...list.keys()].filter((i) => !isGood(list[i])));
      }),
    );
  });

  it('never throw, and answer an item or a fault for each of a list, whatever it holds', () => {
    const key = fc.constantFrom('name', 'value', 'timestamp', 'service', 'tags', 'level', 'message', '__proto__', 'constructor');
    const item = fc.oneof(fc.jsonValue(), fc.dictionary(key, fc.oneof(fc.jsonValue(), fc.double(), fc.constantFrom('error', 'x', undefined))));
    fc.assert(
      fc.property(fc.array(item), (list) => {
        for (const { items, faults } of [decodeMetrics(list, NOW_MS), decodeLogs(list, NOW_MS)]) expect(items.length + faults.length).to.equal(list.length);
      }),
    );
  });

  it('name a hundred thousand bad items in a moment', () => {
    const began = performance.now();
    expect(decodeMetrics(new Array(100_000).fill(0), NOW_MS).faults).to.have.length(100_000);
    expect(performance.now() - began).to.be.below(2_000);
  });
});

describe('decodeMetrics and decodeLogs refuse', () => {
  it('what is no object', () => {
    expect(metricFaults([null, 5, 'x', [METRIC]])).to.deep.equal([
      '0: expected an object, got null',
      '1: expected an object, got 5',
      '2: expected an object, got "x"',
      '3: expected an object, got [{"name":"temperature","value":21.5,"service":"greenhouse"}]',
    ]);
    expect(decodeMetrics([], NOW_MS)).to.deep.equal({ items: [], faults: [] });
    expect(logFaults(undefined)).to.deep.equal(['0: expected an object, got nothing']);
  });

  it('a value that is no finite number: 1e999 is none', () => {
    for (const text of ['"5"', 'null', 'true', '1e999', '-1e999'])
      expect(metricFaults(JSON.parse(`{"name": "n", "service": "s", "value": ${text}}`))[0]).to.match(/^0: expected value: a finite number, got /);
    expect(metricFaults({ name: 'n', service: 's' })).to.deep.equal(['0: expected value: a finite number, got nothing']);
    expect(metricFaults({ ...METRIC, value: Number.MAX_VALUE })).to.deep.equal([]);
  });

  it('a name or a service that is none, or longer than 256 characters', () => {
    for (const key of ['name', 'service'])
      for (const bad of ['', 5, null, undefined, 'x'.repeat(257)])
        expect(metricFaults({ ...METRIC, [key]: bad })[0], key).to.match(new RegExp(`^0: expected ${key}: a text of 1 to 256 characters, got `));
    expect(logFaults({ ...LOG, service: 5 })).to.deep.equal(['0: expected service: a text of 1 to 256 characters, got 5']);
  });

  it('a level that is none, a message that is no text or longer than 65,536 characters', () => {
    expect(logFaults({ ...LOG, level: 'ERROR' })).to.deep.equal(['0: expected level: one of debug, info, warn, error, fatal, got "ERROR"']);
    expect(logFaults({ ...LOG, message: 5 })).to.deep.equal(['0: expected message: a text of at most 65536 characters, got 5']);
    const [fault = ''] = logFaults({ ...LOG, message: 'x'.repeat(65_537) });
    expect(fault).to.equal(`0: expected message: a text of at most 65536 characters, got "${'x'.repeat(99)}…`);
    expect(logFaults({ ...LOG, message: '' })).to.deep.equal([]);
  });

  it('a time that is none, before 1970 or after 9999', () => {
    const bad = [
      -1,
      253_402_300_800_000,
      Number.POSITIVE_INFINITY,
      '',
      'now',
      '2024',
      '2024-01-01',
      '1704067200000',
      '2024-13-01T00:00:00Z',
      '2024-02-30T00:00:00Z',
      '2024-01-01T25:00:00Z',
      '1969-12-31T23:59:59Z',
      true,
      {},
      [],
    ];
    for (const one of bad)
      expect(metricFaults({ ...METRIC, timestamp: one })[0], String(one)).to.match(/^0: expected timestamp: ISO 8601, or milliseconds since 1970, got /);
    expect(
      metricFaults([
        { ...METRIC, timestamp: 0 },
        { ...METRIC, timestamp: LAST_MS },
      ]),
    ).to.deep.equal([]);
  });

  it('tags that are no object of texts, are too many or too long', () => {
    const fault = (bad: unknown): string | undefined => metricFaults({ ...METRIC, tags: bad })[0];
    expect(fault(['a'])).to.equal('0: expected tags: an object of texts, got ["a"]');
    expect(fault({ room: 5 })).to.equal('0: expected tags.room: a text of at most 256 characters, got 5');
    expect(fault({ room: 'x'.repeat(257) })).to.match(/^0: expected tags\.room: a text of at most 256 characters/);
    expect(fault({ ['k'.repeat(257)]: 'x' })).to.equal(`0: expected tags.${'k'.repeat(64)}: a text of at most 256 characters, got "x"`);
    expect(fault(Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`t${i}`, ''])))).to.equal('0: expected tags: at most 32, got "33"');
  });

  it('keys that there are not, `__proto__` among them', () => {
    expect(metricFaults({ ...METRIC, valeu: 1 })).to.deep.equal(['0: expected the keys name, value, timestamp, service, tags, got "valeu"']);
    expect(logFaults({ ...LOG, name: 'x' })).to.deep.equal(['0: expected the keys level, message, timestamp, service, tags, got "name"']);
    const hostile = JSON.parse('{"__proto__": {"name": "n", "value": 1, "service": "s"}}');
    expect(metricFaults(hostile)).to.deep.equal(['0: expected the keys name, value, timestamp, service, tags, got "__proto__"']);
    expect(decodeMetrics({ ...METRIC, tags: JSON.parse('{"__proto__": {"x": 1}}') }, NOW_MS).faults).to.have.length(1);
  });
});

describe('an MQTT message', () => {
  const metricOf = (json: unknown): unknown => decodeMetricMessage('greenhouse', 'temperature', json, NOW_MS);
  const logOf = (json: unknown, level = 'error'): unknown => decodeLogMessage('greenhouse', level, json, NOW_MS);
  const [item, entry] = [
    { ...METRIC, timestamp: NOW_MS, tags: {} },
    { ...LOG, timestamp: NOW_MS, tags: {} },
  ];

  it('may be a number or a text by itself: the topic says the rest', () => {
    expect(metricOf(21.5)).to.deep.equal({ items: [item], faults: [] });
    expect(logOf('door open')).to.deep.equal({ items: [entry], faults: [] });
  });

  it('may be an object, or a list, that repeats what the topic says or leaves it out', () => {
    expect(metricOf([{ value: 21.5 }, METRIC])).to.deep.equal({ items: [item, item], faults: [] });
    expect(logOf({ message: 'door open', level: 'error' })).to.deep.equal({ items: [entry], faults: [] });
  });

  it('may not contradict the topic', () => {
    expect(metricOf({ value: 1, service: 'kitchen' })).to.deep.equal({
      items: [],
      faults: [{ index: 0, error: 'expected service: "greenhouse", as the topic says, got "kitchen"' }],
    });
    expect(logOf({ message: 'x', level: 'info' })).to.deep.equal({
      items: [],
      faults: [{ index: 0, error: 'expected level: "error", as the topic says, got "info"' }],
    });
  });

  it('on a topic that names no level is refused', () => {
    expect(logOf('x', 'loud')).to.deep.equal({
      items: [],
      faults: [{ index: 0, error: 'expected level: one of debug, info, warn, error, fatal, got "loud"' }],
    });
    expect(metricOf('hot')).to.deep.equal({ items: [], faults: [{ index: 0, error: 'expected an object, got "hot"' }] });
  });
});
