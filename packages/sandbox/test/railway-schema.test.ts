import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  buildClientSchema,
  buildSchema,
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type IntrospectionQuery,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isSpecifiedScalarType,
} from 'graphql'
import { expect, test } from 'vitest'
import { z } from 'zod'

const file =
  process.env.RAILWAY_SCHEMA_FILE ??
  fileURLToPath(new URL('../../../../shared/providers/railway/railway.schema.json', import.meta.url))
const Introspection = z.object({ data: z.custom<IntrospectionQuery>((data) => data !== null && typeof data === 'object') })

const ours = buildSchema(readFileSync(new URL('../src/simulators/railway/schema.graphql', import.meta.url), 'utf8'))

test.skipIf(!existsSync(file))(
  'the served schema is a strict subset of the real one (skipped without RAILWAY_SCHEMA_FILE)',
  () => {
    const real = buildClientSchema(Introspection.parse(JSON.parse(readFileSync(file, 'utf8'))).data)
    expect(ownTypes(ours).length).toBeGreaterThan(50)
    expect(ownTypes(ours).flatMap((type) => differences(type, real.getType(type.name)))).toEqual([])
  },
)

test('the comparison notices a field, an argument and a nullability that are not the real ones', () => {
  const real = buildSchema('type Query { a(x: Int, y: Int!): String!, b: [Int!]! }')
  const wrong = buildSchema('type Query { a(x: Int!, z: Int): String!, b: [Int!], c: Int }')
  expect(ownTypes(wrong).flatMap((type) => differences(type, real.getType(type.name)))).toEqual([
    'Query.a(x): Int! is Int',
    'Query.a(z): Int is undefined',
    'Query.a(y) is required',
    'Query.b: [Int!] is [Int!]!',
    'Query.c: Int is undefined',
  ])
})

function ownTypes(schema: GraphQLSchema): GraphQLNamedType[] {
  return Object.values(schema.getTypeMap()).filter((type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type))
}

type Typed = { type: { toString(): string } }
const shape = (item: Typed | undefined) => (item ? String(item.type) : 'undefined')

/** Every way in which `mine` is not contained in `theirs`. */
function differences(mine: GraphQLNamedType, theirs: GraphQLNamedType | undefined): string[] {
  if (mine.constructor !== theirs?.constructor) return [`${mine.name} is another kind of type`]
  if (isEnumType(mine) && isEnumType(theirs)) {
    const known = theirs.getValues().map((value) => value.name)
    return mine.getValues().flatMap(({ name }) => (known.includes(name) ? [] : [`${mine.name}.${name} is no value`]))
  }
  if (isInputObjectType(mine) && isInputObjectType(theirs)) {
    return compareInputs(mine.name, Object.values(mine.getFields()), Object.values(theirs.getFields()), isRequiredInputField)
  }
  if ((isObjectType(mine) && isObjectType(theirs)) || (isInterfaceType(mine) && isInterfaceType(theirs))) {
    const known = theirs.getFields()
    const promised = theirs.getInterfaces().map((i) => i.name)
    return [
      ...mine.getInterfaces().flatMap(({ name }) => (promised.includes(name) ? [] : [`${mine.name} is no ${name}`])),
      ...Object.values(mine.getFields()).flatMap((field) => {
        const place = `${mine.name}.${field.name}`
        const real = known[field.name]
        if (shape(field) !== shape(real)) return [`${place}: ${shape(field)} is ${shape(real)}`]
        return compareInputs(place, field.args, real?.args ?? [], isRequiredArgument)
      }),
    ]
  }
  return []
}

function compareInputs<T extends GraphQLArgument | GraphQLInputField>(
  place: string,
  mine: readonly T[],
  theirs: readonly T[],
  isRequired: (input: T) => boolean,
): string[] {
  const of = (list: readonly T[], name: string) => list.find((input) => input.name === name)
  return [
    ...mine.flatMap((input) => {
      const real = of(theirs, input.name)
      return shape(input) === shape(real) ? [] : [`${place}(${input.name}): ${shape(input)} is ${shape(real)}`]
    }),
    ...theirs.flatMap((input) => (isRequired(input) && !of(mine, input.name) ? [`${place}(${input.name}) is required`] : [])),
  ]
}
