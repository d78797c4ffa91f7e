// The published schema: fresh, and right about what the node takes.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { parse } from 'jsonc-parser';
import { REFERENCE_FILE, referenceText } from '../../config/reference.ts';
import { configSchema, SCHEMA_FILE, schemaText } from '../../config/schema.ts';

describe('config/argos.schema.json', () => {
  const config = resolve(import.meta.dirname, '../../config');
  const validate = new Ajv2020({ allErrors: true, strict: false, validateFormats: false }).compile(configSchema());
  const read = (name: string): Record<string, unknown> => parse(readFileSync(join(config, name), 'utf8'), [], { allowTrailingComma: true });

  it("is what the types' own schemas make (make schema writes it anew)", () => {
    expect(readFileSync(SCHEMA_FILE, 'utf8')).to.equal(schemaText());
  });

  it('stands beside a reference page that is what they make, too', () => {
    expect(readFileSync(REFERENCE_FILE, 'utf8')).to.equal(referenceText());
  });

  for (const name of ['argos.example.jsonc', 'demo.jsonc']) {
    it(`takes ${name}`, () => {
      expect(validate(read(name)), JSON.stringify(validate.errors)).to.equal(true);
    });
  }

  it('refuses an unknown key, a wrong type and an unknown type of monitor, as the node does', () => {
    const monitor = (more: object): object => ({ monitors: { single: [{ name: 'm', type: 'http', config: { url: 'http://127.0.0.1/' }, ...more }] } });
    expect(validate(monitor({}))).to.equal(true);
    expect(validate(monitor({ typo: 1 }))).to.equal(false);
    expect(validate(monitor({ config: { url: 'http://127.0.0.1/', interval: 'soon' } }))).to.equal(false);
    expect(validate(monitor({ type: 'htp' }))).to.equal(false);
  });
});
