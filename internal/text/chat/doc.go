// Package chat renders conversations in the form a model was trained on.
//
// What it is: the checkpoint's own chat_template, honored as transformers
// honors it, over the checkpoint's own tokenizer. Two formats are built in as
// templates: KARAKURI, which presets write into the checkpoints that they make,
// and plain Mistral for checkpoints without a template.
//
// What it owns: where the template of a checkpoint is, what a conversation may
// be, the attributes of SteerLM, how a conversation with tools is rendered, and how
// a template writes calls and reasoning.
//
// Invariants:
//   - A template that cannot be honored is refused by Load, which renders
//     conversations of every shape with it.
//   - Only the template writes special tokens. The text of users, answers and
//     system messages stays text, even if it spells a special token. Added tokens
//     that the template contains are reserved for it in the same way.
//   - A turn is honored or the request fails: by an exception of the template
//     (roles that do not alternate), because the template would skip the turn,
//     or because it does not read an attribute. Errors name the turn, counted
//     from 0 as in the request.
//   - Attributes are integers from 0 to 4 and reach the template as keys of the
//     user's messages, as the model card shows. A message's own override the
//     request's, and those the server's (Merge). The template has defaults for
//     the rest. Parse finds by rendering which attributes a template reads.
//   - No BOS is added to what the template writes.
//   - A template has tools of its own if it shows the tools that it is given, and
//     writes calls as marks, a name, and arguments as a JSON object: Parse finds the
//     marks by rendering (native.go). For any other template a conversation with
//     tools is rewritten into one without (generic.go).
//   - The texts of tools, calls, results and variables are a client's, as those of
//     messages are: they write no special token.
//   - The time that strftime_now gives is the only input from outside.
//
// Concurrency: a Template is immutable.
//
// References: KARAKURI LM 8x7B Chat v0.1 and Mixtral 8x7B Instruct v0.1, their
// model cards; Dong et al., SteerLM, arXiv 2310.05344; apply_chat_template of
// transformers. testdata/goldens.py makes the goldens.
package chat
