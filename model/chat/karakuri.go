package chat

// KarakuriTemplate is the KARAKURI LM chat format as a Jinja template. A user message may carry any of the nine
// attributes as a key of its own.
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
