// Package chat renders conversations in the form a model was trained on.
//
// What it is: the checkpoint's own chat_template, honored as transformers
// honors it, over the checkpoint's own tokenizer. Two formats are built in as
// templates: KARAKURI, which made checkpoints carry, and plain Mistral for
// checkpoints without a template.
//
// What it owns: where the template is looked for, what a conversation may be,
// and the attributes of SteerLM.
//
// Invariants:
//   - A template that cannot be honored is refused by Load, which renders
//     conversations of every shape with it.
//   - Special tokens are those that the template wrote. What users, answers and
//     system messages say stays text, even if it spells one; added tokens that
//     the template is made of are reserved for it in the same way.
//   - A turn is honored or the request fails: by the template's own words
//     (roles that do not alternate), because the template would pass over it,
//     or because it does not read an attribute. Errors name the turn, counted
//     from 0 as in the request.
//   - Attributes are integers from 0 to 4 and reach the template as keys of the
//     user's messages, as its card shows. A message's own win over the
//     request's, those over the server's (Merge), and what nobody sets has the
//     template's default. Whether a template reads one is found by trying.
//   - No BOS is added to what the template writes.
//
// Concurrency: a Template is immutable.
//
// References: KARAKURI LM 8x7B Chat v0.1 and Mixtral 8x7B Instruct v0.1, their
// model cards; Dong et al., SteerLM, arXiv 2310.05344; apply_chat_template of
// transformers. testdata/goldens.py makes the goldens.
package chat
