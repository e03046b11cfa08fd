// Package jinja renders chat templates: the part of Jinja2 that they use, on text
// whose characters know their author.
//
// What it is: a lexer, a parser and an evaluator for templates as Hugging Face
// transformers sets Jinja2 up: trim_blocks and lstrip_blocks on, loop controls,
// the generation tag, raise_exception, a tojson that escapes nothing for HTML.
// Expressions with Python's precedence and arithmetic, if, for, set, with,
// macro, call, filter and raw; about 45 filters, 30 tests and 30 methods.
// There is no inheritance, no inclusion, no recursive loop and no formatting by
// %. The caller gives a template the time, as a variable (Clock).
//
// Why our own: every character of a Text carries its author through slices,
// concatenation and filters. So after rendering a caller can tell "</s>" in a
// template from "</s>" in the text of a user, with no sentinels to escape.
//
// Invariants:
//   - What is not supported fails, while parsing where possible. What is
//     supported writes what jinja2 writes.
//   - Rendering ends: nodes, and characters written or copied, are counted in
//     steps. Steps are bounded, and so are nesting, macro calls and ranges.
//   - Values are never changed in place, as in Jinja's immutable sandbox. Only a
//     namespace is.
//
// Concurrency: a Template is immutable; Render may run many times at once.
// Variables are read only.
//
// References: jinja2 3.1.6, https://jinja.palletsprojects.com, and
// chat_template_utils of transformers. testdata/goldens.py makes the goldens.
package jinja
