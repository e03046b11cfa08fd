// Package schema compiles JSON Schemas, and JSON itself, to automata.
//
// What it owns: which part of JSON Schema is supported, and how the JSON that
// satisfies a schema is written.
//
// # What is written
//
// Everything an automaton accepts satisfies the schema under draft 2020-12, but
// not everything that satisfies it is accepted:
//
//   - The members of an object come in the order in which they are declared,
//     those that are required and not declared next, others last. Others are
//     written only where a schema says additionalProperties (true or a schema),
//     or lists no properties; beside known names theirs have no escapes. Names
//     of others may come twice.
//   - Between tokens stands nothing, one blank, or a new line and up to
//     Limits.Indent blanks; after a colon nothing or one blank; before a colon
//     or a comma nothing. So a model cannot write blanks without end.
//   - Integers have up to 18 digits (they fit int64) and no point. Numbers have
//     up to 15 digits before the point, 15 after it and an exponent of two
//     digits (they fit float64); within bounds 15 digits in all, so that readers
//     of float64 agree, and no exponent.
//   - Strings are valid UTF-8, surrogates are paired, and length counts
//     characters. A name, a constant, and a string with a pattern or a format
//     are written without escapes but those that JSON needs.
//   - A schema without type allows the types to which its keywords apply.
//
// # What is supported
//
//   - type (also a list), enum, const; true and false as schemas
//   - properties, required, additionalProperties
//   - items, prefixItems, minItems, maxItems
//   - minLength, maxLength, pattern (ECMAScript, without look-around, word
//     boundaries and back-references), format (date, time, date-time,
//     duration, uuid, email, hostname, ipv4, ipv6, uri: see formats)
//   - minimum, maximum, exclusiveMinimum, exclusiveMaximum, and as a format
//     int8 to int64, uint8 to uint64, float, double
//   - allOf, anyOf; oneOf, where types, constants or required members show that
//     no two branches hold at once; $ref to the schema itself (# and #/...),
//     also recursive
//   - annotations: title, description, default, examples, example, deprecated,
//     readOnly, writeOnly, $schema, $comment, $id at the top, discriminator, and
//     names that begin with x-
//
// Every other keyword is a Fault that names it and where it stands: above all
// not, if, then, else, patternProperties, propertyNames, minProperties,
// maxProperties, dependentRequired, dependentSchemas, contains, uniqueItems,
// multipleOf, unevaluatedItems, unevaluatedProperties, $anchor, $dynamicRef,
// contentEncoding and contentMediaType.
//
// Invariants: compiling is bounded in time and memory by Limits and depends only
// on the schema.
//
// Concurrency: safe; nothing is shared between calls.
//
// References: JSON Schema draft 2020-12, Core and Validation; RFC 8259 (JSON);
// RFC 6901 (JSON pointer); RFC 3339 (dates); ECMA-262, section 22.2 (patterns).
package schema
