package apitest

// ThinkTemplate is a chat template of a model that reasons before it answers: it has
// marks around reasoning, and a variable that switches reasoning off.
const ThinkTemplate = `{% for m in messages %}[{{ m.role }}] {% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}` +
	`{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant] {% if enable_thinking is defined and not enable_thinking %}` +
	`<think></think>{% endif %}{% endif %}`
