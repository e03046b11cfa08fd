package chat

// KarakuriTemplate is the KARAKURI LM 8x7B format as a Jinja template: Mistral
// instructions with an optional Llama 2 system block, and nine attributes
// behind every user message, each of which may be a key of the message.
const KarakuriTemplate = `{%- set turns = messages -%}
{%- set system = '' -%}
{%- if messages and messages[0]['role'] == 'system' -%}
{%- set system = '<<SYS>>\n' + messages[0]['content'] + '\n<</SYS>>\n\n' -%}
{%- set turns = messages[1:] -%}
{%- endif -%}
{{- bos_token -}}
{%- for message in turns -%}
{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
{{- raise_exception('roles must alternate user and assistant') -}}
{%- endif -%}
{%- if message['role'] == 'user' -%}
{{- '[INST] ' -}}
{%- if loop.first -%}
{{- system -}}
{%- endif -%}
{{- message['content'] + ' [ATTR]' -}}
{{- ' helpfulness: ' ~ (message['helpfulness'] | default(4)) -}}
{{- ' correctness: ' ~ (message['correctness'] | default(4)) -}}
{{- ' coherence: ' ~ (message['coherence'] | default(4)) -}}
{{- ' complexity: ' ~ (message['complexity'] | default(4)) -}}
{{- ' verbosity: ' ~ (message['verbosity'] | default(4)) -}}
{{- ' quality: ' ~ (message['quality'] | default(4)) -}}
{{- ' toxicity: ' ~ (message['toxicity'] | default(0)) -}}
{{- ' humor: ' ~ (message['humor'] | default(0)) -}}
{{- ' creativity: ' ~ (message['creativity'] | default(0)) -}}
{{- ' [/ATTR] [/INST]' -}}
{%- else -%}
{{- message['content'] + eos_token -}}
{%- endif -%}
{%- endfor -%}`

// MistralTemplate is the format of Mixtral 8x7B Instruct v0.1: instructions
// and answers in turn, no system message.
const MistralTemplate = `{{- bos_token -}}
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}
{{- raise_exception('this model has no system message') -}}
{%- elif (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
{{- raise_exception('roles must alternate user and assistant') -}}
{%- elif message['role'] == 'user' -%}
{{- '[INST] ' + message['content'] + ' [/INST]' -}}
{%- else -%}
{{- message['content'] + eos_token -}}
{%- endif -%}
{%- endfor -%}`
