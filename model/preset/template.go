package preset

import "strings"

// chatTemplate is the KARAKURI format as the Jinja text of a checkpoint's
// tokenizer_config.json. Attributes are keys of a user message.
func chatTemplate() string {
	var b strings.Builder
	b.WriteString(`{%- set turns = messages -%}{%- set system = '' -%}` +
		`{%- if messages and messages[0]['role'] == 'system' -%}` +
		`{%- set system = '<<SYS>>\n' + messages[0]['content'] + '\n<</SYS>>\n\n' -%}` +
		`{%- set turns = messages[1:] -%}{%- endif -%}` +
		`{{- bos_token -}}{%- for message in turns -%}` +
		`{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}` +
		`{{- raise_exception('roles must alternate user and assistant') -}}{%- endif -%}` +
		`{%- if message['role'] == 'user' -%}` +
		`{{- '[INST] ' + (system if loop.first else '') + message['content'] + ' [ATTR]' -}}`)
	for _, name := range strings.Fields("helpfulness correctness coherence complexity verbosity quality") {
		b.WriteString(`{{- ' ` + name + `: ' ~ (message['` + name + `'] | default(4)) -}}`)
	}
	for _, name := range strings.Fields("toxicity humor creativity") {
		b.WriteString(`{{- ' ` + name + `: ' ~ (message['` + name + `'] | default(0)) -}}`)
	}
	b.WriteString(`{{- ' [/ATTR] [/INST]' -}}{%- else -%}{{- message['content'] + eos_token -}}{%- endif -%}{%- endfor -%}`)
	return b.String()
}
