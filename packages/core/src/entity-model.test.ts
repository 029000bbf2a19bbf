// TypeORM's own forms as models. Decorators are called as functions here, which is what compilers make of them.
import { Column, CreateDateColumn, Entity, EntitySchema, getMetadataArgsStorage, PrimaryColumn } from 'typeorm';
import { describe, expect, test } from 'vitest';
import { toModel } from './entity-model.js';
import { InvalidOptionError } from './errors.js';
import { Base, defineResult, int } from './model.js';

type Options = ConstructorParameters<typeof EntitySchema<Record<string, unknown>>>[0];
type Columns = Options['columns'];

const storage = () => getMetadataArgsStorage();
const fromSchema = (columns: Columns, more: Partial<Options> = {}) =>
  toModel(new EntitySchema<Record<string, unknown>>({ name: 'results', columns, ...more }), storage());
const kindsOf = (model: ReturnType<typeof toModel>) =>
  Object.fromEntries(model.columns.map(({ name, kind }) => [name, kind]));

/** `@Entity(table) class`, its properties decorated. */
// biome-ignore lint/complexity/noBannedTypes: any class
function decorate<C extends Function>(
  target: C,
  table: string | undefined,
  columns: Record<string, PropertyDecorator>,
): C {
  for (const [name, decorator] of Object.entries(columns)) decorator(target.prototype, name);
  Entity(table)(target);
  return target;
}

describe('[S1] toModel', () => {
  test('gives a model of defineResult back', () => {
    const model = defineResult('results', { n: int() });
    expect(toModel(model, storage())).toBe(model);
  });

  test.each([[undefined], [null], [{}], ['results'], [{ columns: {} }]])('refuses %j', (value) => {
    expect(() => toModel(value, storage())).toThrow(/^model: .* is no model; pass defineResult/);
  });
});

describe('[S1] an EntitySchema', () => {
  test('maps each accepted type', () => {
    const types = [
      'int',
      'integer',
      'bigint',
      'smallint',
      'float',
      'double',
      'real',
      'double precision',
      'numeric',
      'text',
      'varchar',
      'character varying',
      'boolean',
      'json',
      'simple-json',
      String,
      Boolean,
    ];
    const columns = Object.fromEntries(types.map((type, i) => [`c${i}`, { type }])) as Columns;
    expect(fromSchema(columns).columns.map((column) => column.kind)).toEqual([
      'int',
      'int',
      'int',
      'int',
      'float',
      'float',
      'float',
      'float',
      'float',
      'text',
      'text',
      'text',
      'bool',
      'json',
      'json',
      'text',
      'bool',
    ]);
  });

  test('keeps defaults, null and comments, and leaves out the fields every record has', () => {
    const model = fromSchema({
      id: { type: 'varchar', primary: true, length: 16 },
      resultFile: { type: 'text', name: 'result_file' },
      createdAt: { type: 'datetime', createDate: true, name: 'created_at' },
      customData: { type: 'simple-json', name: 'custom_data', nullable: true },
      n: { type: 'int' },
      dt: { type: 'double precision', default: 0.5, comment: 'time step' },
      note: { type: 'text', nullable: true, default: null },
    });
    expect(model).toMatchObject({
      tableName: 'results',
      columns: [
        { name: 'n', kind: 'int', nullable: false, hasDefault: false },
        { name: 'dt', kind: 'float', hasDefault: true, default: 0.5, description: 'time step' },
        { name: 'note', kind: 'text', nullable: true, hasDefault: true, default: null },
      ],
    });
  });

  test('has the table that TypeORM gives it', () => {
    expect(fromSchema({}, { name: 'SimResult' }).tableName).toBe('sim_result');
    expect(fromSchema({}, { name: 'SimResult', tableName: 'runs' }).tableName).toBe('runs');
  });

  test.each<[string, Columns, string]>([
    [
      'a bare Number',
      { n: { type: Number } },
      "results.n: Number does not say whether ids are made of integers or floats; write 'int' or 'double precision'",
    ],
    [
      'an unknown type',
      { n: { type: 'money' } },
      'results.n: the type "money" is not supported; use one of int, integer, bigint, smallint, float, double, real',
    ],
    ['a Date', { n: { type: Date } }, 'results.n: the type Date is not supported; use one of'],
    [
      'another column name',
      { n: { type: 'int', name: 'num' } },
      'results.n: its database column is named num; a param and its column have one name, leave out `name`',
    ],
    [
      'a primary key',
      { n: { type: 'int', primary: true } },
      'results.n: the option primary is not supported, a param is a plain column',
    ],
    [
      'a transformer',
      { n: { type: 'int', transformer: { to: Number, from: Number } } },
      'results.n: the option transformer is not supported',
    ],
    [
      'a computed default',
      { n: { type: 'int', default: () => 'random()' } },
      'results.n: a default that the database computes cannot be part of an id',
    ],
    [
      'a wrong default',
      { n: { type: 'int', default: '1' } },
      'the default of results.n: "1" is refused, n takes an integer: pass 1',
    ],
    ['a bad name', { 'a b': { type: 'int' } }, 'results: column name "a b"'],
    ['a reserved name in other letters', { ID: { type: 'int' } }, 'results: the column name ID is reserved'],
  ])('refuses %s', (_name, columns, message) => {
    expect(() => fromSchema(columns)).toThrow(InvalidOptionError);
    expect(() => fromSchema(columns)).toThrow(message);
  });

  test('refuses relations', () => {
    const relations = { other: { type: 'many-to-one', target: 'Other' } } as unknown as Options['relations'];
    expect(() => fromSchema({}, { relations })).toThrow('results: relations are not supported');
  });
});

describe('[S1] a decorated class', () => {
  test('has its own columns and those of what it extends, parents first, as its own class declares them', () => {
    class Common extends Base {}
    Column('int')(Common.prototype, 'seed');
    Column('int')(Common.prototype, 'n');
    class SimResult extends Common {}
    decorate(SimResult, 'results', { dt: Column('float', { default: 0.5 }), n: Column('double precision') });
    class Other extends Common {}
    decorate(Other, undefined, { method: Column({ type: 'varchar', length: 20, nullable: true }) });

    expect(toModel(SimResult, storage()).tableName).toBe('results');
    expect(kindsOf(toModel(SimResult, storage()))).toEqual({ seed: 'int', n: 'float', dt: 'float' });
    expect(Object.keys(kindsOf(toModel(SimResult, storage())))).toEqual(['seed', 'n', 'dt']);
    expect(toModel(Other, storage()).tableName).toBe('other');
    expect(kindsOf(toModel(Other, storage()))).toEqual({ seed: 'int', n: 'int', method: 'text' });
  });

  test('may declare the fields every record has', () => {
    class Full {}
    decorate(Full, 'results', {
      id: PrimaryColumn('varchar'),
      resultFile: Column('text', { name: 'result_file' }),
      createdAt: CreateDateColumn(),
      n: Column('int'),
    });
    expect(kindsOf(toModel(Full, storage()))).toEqual({ n: 'int' });
  });

  test('may have static members of a model: it is a class first', () => {
    class Odd {
      static isEntropicModel = true;
      static columns = [];
      readonly odd = true;
    }
    expect(kindsOf(toModel(decorate(Odd, 'odd', { n: Column('int') }), storage()))).toEqual({ n: 'int' });
  });

  test('is refused without @Entity, and with a column that is no param', () => {
    class Bare extends Base {}
    expect(() => toModel(Bare, storage())).toThrow('model: the class Bare has no @Entity() that this store');
    class Stamped {}
    decorate(Stamped, 'stamped', { at: CreateDateColumn() });
    expect(() => toModel(Stamped, storage())).toThrow('stamped.at: a createDate column is no param');
  });
});
