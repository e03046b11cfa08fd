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
//     those that are required and not declared next, those that an enum of
//     propertyNames lists next, others last. Others are written only where a
//     schema says additionalProperties (true or a schema), where a pattern of
//     patternProperties matches, or where none lists properties or patterns.
//     Beside known names and patterns the names of others have no escapes but
//     those that JSON needs. Names of others may come twice.
//   - Where minProperties asks for more than the required members, another name
//     counts only if a residue of its characters differs from those of the others
//     before it. So names that come twice are not counted twice.
//   - Items that must be unique and have many values come in the order in which
//     the values are listed (see maxSubsets).
//   - Unique items that cannot be listed have no white space within, no escapes but
//     those that JSON needs, and no zeros at the end of fractions; equal items are then
//     equal bytes, which automaton.Machine.Read tells apart. Items of any kind are no
//     lists and no objects.
//   - Between tokens stands nothing, one blank, or a new line and up to
//     Limits.Indent blanks; after a colon nothing or one blank; before a colon
//     or a comma nothing. So a model cannot write blanks without end.
//   - Integers have up to 18 digits (they fit int64) and no point. Numbers have
//     up to 15 digits before the point, 15 after it and an exponent of two
//     digits (they fit float64); within bounds 15 digits in all, so that readers
//     of float64 agree, and no exponent. Multiples are those of decimal
//     arithmetic: validators that divide in float64 may disagree on 0.07 and 0.01.
//   - Strings are valid UTF-8, surrogates are paired, and length counts
//     characters. A name, a constant, and a string with a pattern or a format
//     are written without escapes but those that JSON needs.
//   - A count of characters or items exceeds its minimum by maxRepeated at most, and
//     an object whose members are counted has at most maxCounted, or as many as have
//     names.
//   - A schema without type allows the types to which its keywords apply.
//
// # What is supported
//
//   - type (also a list), enum, const; true and false as schemas; nullable beside
//     type, as in OpenAPI 3.0
//   - properties, required, additionalProperties, patternProperties, propertyNames
//     (enum, const, pattern, format, minLength, maxLength, joined in any way),
//     minProperties (where names are free, up to 4 beyond the required members),
//     maxProperties, dependentRequired (of at most maxTriggers names)
//   - items, prefixItems, minItems, maxItems; a list of items and additionalItems,
//     as in draft 7; uniqueItems: at most maxUnique listed values, or values of any kind
//     but objects whose names are free
//   - minLength, maxLength, pattern (ECMAScript, without word boundaries,
//     back-references and look-behind; with look-ahead anywhere, but not repeated by
//     itself), format (date, time, date-time, duration, uuid, email, hostname, ipv4,
//     ipv6, uri: see formats; any other format is an annotation). Where pattern
//     or format and length need too many states, the text has at most maxPatterned
//     characters; counts are drawn in blocks, so high bounds need few states
//   - minimum, maximum, exclusiveMinimum, exclusiveMaximum (numbers; booleans as in
//     OpenAPI 3.0), multipleOf (up to maxUnit, not counting zeros at the end), and
//     as a format int8 to int64, uint8 to uint64, float, double
//   - allOf, anyOf; oneOf, where types, constants or required members show that
//     no two branches hold at once; not, of {} and false; $ref to the schema itself
//     (# and #/...), also recursive
//   - annotations: title, description, default, examples, example, deprecated,
//     readOnly, writeOnly, $schema, $comment, $id at the top, discriminator,
//     contentEncoding, contentMediaType, contentSchema, and names that begin with
//     x-
//
// Every other keyword, and every keyword beyond these bounds, is a Fault that names
// it and where it stands: above all not, if, then, else, dependentSchemas,
// contains, unevaluatedItems, unevaluatedProperties, $anchor and $dynamicRef.
//
// Invariants: compiling is bounded in time and memory by Limits and depends only
// on the schema.
//
// Concurrency: safe; nothing is shared between calls.
//
// References: JSON Schema draft 2020-12, Core and Validation; RFC 8259 (JSON);
// OpenAPI 3.0.3, Schema Object; RFC 6901 (JSON pointer); RFC 3339 (dates); ECMA-262, section 22.2 (patterns).
package schema
