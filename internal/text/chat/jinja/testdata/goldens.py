"""Makes goldens.json: what Python's jinja2 makes of small templates, set up as Hugging Face transformers does.

    python -m venv v && v/bin/pip install jinja2==3.1.6
    v/bin/python goldens.py

A golden is a template and what it writes, or null where jinja2 refuses it, while compiling or while rendering.
"""

import importlib.metadata
import json

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

VARIABLES = {
    "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "  Hi \n", "humor": 3}, {"role": "assistant", "content": "日本語 ß é"}],
    "text": "Hello, World! hello", "spaced": " \t a  b \n c ", "lines": "one\ntwo\r\n\nfour", "empty": "", "ja": "吾輩は猫である", "quote": "it's \"x\" \\ \x01\u00e9\U0001f44d",
    "n": 7, "zero": 0, "f": 2.5, "yes": True, "no": False, "nothing": None, "numbers": [3, 1, 2, 1], "words": ["b", "A", "c", "a"],
    "person": {"name": "Ada", "age": 36, "tags": ["x", "y"], "items": "shadowed"}, "nested": {"b": [1, {"c": None}], "a": {}, "e": [], "t": "</a> & \"q\""},
}

SPACE = r"""
a{% if yes %}b{% endif %}c|a {% if yes %} b {% endif %} c|a\n{% if yes %}\nb\n{% endif %}\nc|a\n  {% if yes %}\n  b\n  {% endif %}\nc|a \n\n {%- if yes -%} \n b \n {%- endif -%} \n c
{{ 1 }}\n{{ 2 }}\n|{{ 1 -}}\n  {{- 2 }}|  {{ 1 }}  |x  {%+ if yes %}\ny{% endif %}|{% if yes +%}\ny{% endif %}|{# c #}x|x {#- c -#} y|x\n  {# c #}\n y|{# a\nb #}\nx|\n|\n\n|x\n|x\n\n|
a\r\nb\rc|{%- if yes %}  x  {%- endif %}|{% raw %}{{ x }} {% if %}{% endraw %}|{%- raw -%}  {{ x }}  {%- endraw -%}  y|{% raw %}\nx\n{% endraw %}\ny|  {% raw %} x {% endraw %}
{% for i in [1,2] %}\n{{ i }}\n{% endfor %}\n|{% for i in [1,2] -%}\n{{ i }}\n{%- endfor %}|\t{% set x = 1 %}\n{{ x }}|{{ '{{' }}{{ "%}" }}|{{ {'a': {'b': 1}} }}|{{{'a': 1}.a}}|{ {1} }|{ % x %}
{%if yes%}x{%endif%}|{{n}}|{{- n -}}|a{{- n -}}b|{{ "a\nb" }}|{%   if\nyes %}x{% endif %}|\u3000{%- if yes -%}\u3000x{% endif %}|a\u00a0\n\u2003{% if yes %}x{% endif %}
"""

EXPRESSIONS = """
1|1.0|1.5e3|1e20|1e-7|123456789012345678|1_000|0.1 + 0.2|-1|+1|- 1|--1|1 + 2 * 3|(1 + 2) * 3|7 // 2|-7 // 2|7 % 3|-7 % 3|7 / 2|6 / 2|2 ** 10|2 ** -1|2 ** 3 ** 2|-2 ** 2|7.5 // 2|7.5 % 2
1 / 0|1 // 0|1 % 0|true + true|true * 3|1 == 1.0|true == 1|1 == '1'|none == false|none == none|'a' == 'a'|[1] == [1]|[1] == (1,)|{'a': 1} == {'a': 1.0}|1 != 2|1 < 2 < 3|1 < 3 < 2|1 < 'a'|'a' < 'b'
[1, 2] < [1, 3]|none < 1|not 1|not not 1|not yes and no|yes or no and no|1 and 2|0 and 2|0 or 2|'' or 'x'|nothing or empty or 'z'|1 if yes else 2|1 if no else 2|1 if no|(1 if no else 2 if no else 3)|(yes if no else no)
'x' if (yes and not no) else 'y'|1 in [1, 2]|3 in [1, 2]|3 not in [1, 2]|not 3 in [1, 2]|'a' in 'abc'|'' in 'abc'|1 in 'abc'|'name' in person|'x' in person|1 in person|1 in undefined_x|1 in 5|'a' 'b'|'a' ~ 1 ~ none|1 ~ 2
'a' + 'b'|'a' + 1|1 + 'a'|[1] + [2]|(1,) + (2,)|[1] + (2,)|'ab' * 3|3 * 'ab'|[0] * 3|'a' * -1|'a' * 1.5|'%s' % 'a'|'a' - 'b'|{} + {}
text|text[0]|text[-1]|text[100]|text[0:5]|text[:5]|text[-6:]|text[::2]|text[::-1]|text[5:0:-1]|text[1:100]|text[100:]|ja[1:3]|numbers[0]|numbers[-1]|numbers[9]|numbers[1:]|numbers[:-1]|numbers[::-1]|numbers[0:0]|numbers[::0]
(1, 2, 3)[1:]|none[1:]|text['x']|text[none]|text[1.5]|person.name|person['name']|person.missing|person['missing']|person.missing.x|person.missing['x']|undefined_x|undefined_x.y|undefined_x['y']|undefined_x()|undefined_x + 1
undefined_x ~ 'a'|undefined_x == undefined_y|undefined_x == none|undefined_x == ''|not undefined_x|undefined_x < 1|-undefined_x|none.x|none['x']|5 .x|5.x|messages[0].role|messages[0]['content']|messages[1]['humor']|messages[0]['humor']
messages[0]['humor']|string or '4'|messages[1]['humor']|string or '4'|zero|string or '4'|messages[9]|messages[9].role|messages[-1].content|person.items|person['items']|person.tags[0]|person.tags.0|nested.b[1].c
1,|1, 2|(1)|(1,)|()|[]|[1,]|[1, 2, 3]|{}|{'a': 1, 'b': [none, true, 1.5, 'x']}|{1: 2}|{'a': 1,}|'it\\'s'|"a\\"b"|'\\n\\t\\\\'|'\\x41\\u3042\\U0001f44d\\101'|'\\q'|['it\\'s', "a\\"b", 'a\\'b"c', '\\n\\x01é\\u200b']|quote|[quote]
true|True|false|False|none|None|nothing|[true, none, 1.0]|yes|(n)|n.real|text.upper|person.get|loop|1 2|1 +|(1|[1|'a|1)|a b|a.|a[]|a[1|a(|a|b|a is|{|{'a'}|{'a': }|* 2|a if|a if b else|not|1 <|a..b|a.'b'|$|a;b|a=1|@
"""

FILTERS = """
text|upper|text|lower|text|title|text|capitalize|'hello wORLD-foo (bar)'|title|"they're"|title|'ß'|upper|spaced|trim|text|trim('Hol')|text|replace('l', 'L')|text|replace('l', 'L', 2)|'aaa'|replace('', '-')|text|replace('zz', 'x')
text|length|numbers|length|person|length|5|length|none|length|undefined_x|length|text|count|words|join|words|join(', ')|numbers|join('-')|words|join(d=', ')|messages|join(',', attribute='role')|5|join|'abc'|join('.')
undefined_x|default('d')|undefined_x|d('d')|none|default('d')|none|default('d', true)|''|default('d', boolean=true)|0|default(1)|undefined_x|default|person.x|default(none)|undefined_x.y|default('d')|n|default('d')
words|first|words|last|[]|first|text|first|numbers|sort|words|sort|words|sort(case_sensitive=true)|numbers|sort(reverse=true)|messages|sort(attribute='role')|map(attribute='role')|list|numbers|unique|list|words|unique|list
numbers|min|numbers|max|words|min|[]|max|numbers|sum|[]|sum|numbers|sum(start=10)|[1.5, 2]|sum|['a']|sum|numbers|reverse|list|text|reverse|person|items|list|undefined_x|items|list|5|items|{'b': 1, 'a': 2}|dictsort|{'b': 1, 'a': 2}|dictsort(by='value')
messages|map(attribute='role')|list|messages|map(attribute='humor', default=0)|list|words|map('upper')|list|words|map('replace', 'a', 'x')|list|messages|selectattr('role', 'equalto', 'user')|list|length|messages|selectattr('humor')|list|length
messages|rejectattr('role', '==', 'system')|map(attribute='role')|join(',')|numbers|select('odd')|list|numbers|reject('odd')|list|numbers|select('>', 1)|list|numbers|select|list|messages|selectattr('humor', 'defined')|list|length
'7'|int|' 7 '|int|'x'|int|'x'|int(5)|2.9|int|-2.9|int|'2.9'|int|none|int|true|int|'1.5'|float|'x'|float|3|float|2.345|round(2)|2.5|round|3.5|round|7|round|-3|abs|2.5|abs|'x'|abs|5|string|none|string|undefined_x|string|[1]|string
'a\\nb\\n\\nc'|indent|'a\\nb\\n\\nc'|indent(2)|'a\\nb'|indent(2, true)|'a\\n\\nb'|indent(2, blank=true)|'a\\nb'|indent('> ')|'a\\nb\\n'|indent|'abc'|list|5|list|person|list|'<a>'|safe|text|nosuchfilter|text|upper|lower|text|upper()|text|upper.x
nested|tojson|quote|tojson|ja|tojson|ja|tojson(ensure_ascii=true)|'👍'|tojson(ensure_ascii=true)|nested|tojson(indent=2)|nested|tojson(indent=0)|nested|tojson(sort_keys=true)|[1,2]|tojson(separators=(',', ':'))|none|tojson|[true, 1.0, 1e20]|tojson
undefined_x|tojson|(1, 2)|tojson|{}|tojson(indent=2)|-1|abs|(-1)|abs|1 + 2|string|'a' ~ 1|upper|words|map('nosuch')|list|numbers|select('nosuch')|list|text|default|text|replace('l')|text|trim(1)|[3, 'a']|sort|yes|upper|1.0|string
"""

TESTS = """
n is defined|undefined_x is defined|undefined_x is not defined|undefined_x is undefined|nothing is none|n is none|n is not none|yes is boolean|n is boolean|yes is true|n is true|no is false|zero is false|n is integer|yes is integer
f is float|n is number|f is number|yes is number|text is number|text is string|n is string|person is mapping|numbers is mapping|numbers is sequence|text is sequence|n is sequence|person is sequence|undefined_x is sequence|text is iterable
n is iterable|undefined_x is iterable|person.get is callable|n is callable|n is odd|n is even|n is divisibleby 7|n is divisibleby(2)|text is odd|'abc' is lower|'ABC' is upper|'Abc' is lower|'1' is lower|n is eq 7|n is equalto(7)|n is ne 7|n is gt 6
n is lt 6|n is ge 7|n is le 7|1 is in [1, 2]|3 is in([1, 2])|'a' is in 'abc'|nothing is sameas none|n is sameas 7|n is nosuchtest|n is defined and n > 3|n is defined or x|not n is defined|n is not defined or yes|messages[0]['humor'] is defined
messages[1].humor is defined|n is defined is defined|person.x.y is defined|undefined_x is none|n + 1 is odd|(n + 1) is odd|-1 is lt 0|n is odd if yes else 1|'x' is string and 'y' is string
"""

METHODS = """
text.upper()|text.lower()|text.title()|text.capitalize()|spaced.strip()|spaced.lstrip()|spaced.rstrip()|text.strip('Ho')|text.rstrip('lo')|text.strip(none)|text.split()|text.split(', ')|text.split(',', 1)|spaced.split()|spaced.split(none, 1)|''.split()
''.split(',')|'a,,b'.split(',')|'a,b,c'.rsplit(',', 1)|'a,b,c'.rsplit(',')|'a'.split('')|lines.splitlines()|text.startswith('Hello')|text.startswith('x')|text.startswith(('x', 'He'))|text.endswith('lo')|text.endswith('')|text.replace('l', 'L')
text.replace('l', 'L', 1)|text.find('o')|text.find('zz')|text.rfind('o')|text.count('l')|', '.join(words)|', '.join(numbers)|', '.join('abc')|'abc'.removeprefix('a')|'abc'.removesuffix('c')|'abc'.removeprefix('x')|'12'.isdigit()|''.isdigit()
'ab'.isalpha()|'a1'.isalnum()|' '.isspace()|'AB'.isupper()|'ab'.islower()|person.get('name')|person.get('x')|person.get('x', 'd')|person.keys()|list|person.values()|list|person.items()|{'a': 1}.items()|list|{'a': 1, 'b': 2}.keys()|list
text.nosuch()|text.upper().lower()|(text).upper()|'a'.upper()|text.strip().split(' ')[0]|numbers.append(4)|person.update({'x': 1})|text.startswith(1)|text.split(1)|messages[2].content.upper()|ja.split('は')[-1]|'x'.replace('x', 'y').replace('y', 'z')
text.format()|text.encode()|text.__class__|none.upper()|5.upper()|range(3)|list|range(1, 4)|list|range(5, 0, -2)|list|range(0)|list|range(3)|length|range('a')|range(1, 5, 0)|range(1000000)|dict(a=1, b=2)|dict({'x': 1}, y=2)|namespace(a=1).a|namespace().a
raise_exception('no')|raise_exception()|n()|text()|lipsum|self|caller|varargs
"""

STATEMENTS = r"""
{% if no %}a{% elif yes %}b{% else %}c{% endif %}
{% if no %}a{% elif no %}b{% else %}c{% endif %}
{% if undefined_x %}a{% else %}b{% endif %}
{% if undefined_x.y %}a{% endif %}
{% for i in numbers %}{{ i }}{% if not loop.last %},{% endif %}{% endfor %}
{% for i in numbers %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }};{% endfor %}
{% for i in numbers %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }} {% endfor %}
{% for i in numbers %}{{ loop.cycle('a', 'b') }}{% endfor %}
{% for i in [1, 1, 2, 2] %}{{ loop.changed(i) }}{% endfor %}
{% for i in [] %}x{% else %}none{% endfor %}
{% for i in undefined_x %}x{% else %}none{% endfor %}
{% for i in none %}x{% endfor %}
{% for i in 5 %}x{% endfor %}
{% for c in 'あb' %}[{{ c }}]{% endfor %}
{% for k in person %}{{ k }} {% endfor %}
{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }} {% endfor %}
{% for (a, b) in [(1, 2), (3, 4)] %}{{ a + b }} {% endfor %}
{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}
{% for a, b in [(1, 2, 3)] %}{% endfor %}
{% for a, b in [1] %}{% endfor %}
{% for m in messages if m.role != 'system' %}{{ loop.index }}{{ m.role }} {% endfor %}
{% for m in messages if m.role == 'x' %}a{% else %}b{% endfor %}
{% for i in 1, 2, 3 %}{{ i }}{% endfor %}
{% for i in numbers %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}
{% for i in numbers %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% endfor %}
{% for i in [1, 2] %}{% for j in [1, 2] %}{% if j == 2 %}{% break %}{% endif %}{{ i }}{{ j }} {% endfor %}{% endfor %}
{% break %}
{% for i in [1] %}{% for j in [2] %}{{ loop.index }}{% endfor %}{{ loop.length }}{% endfor %}
{% for i in [1, 2] recursive %}{{ i }}{% endfor %}
{% set x = 1 %}{{ x }}
{% set x = 1, 2 %}{{ x }}
{% set a, b = 1, 2 %}{{ a }}{{ b }}
{% set a, b = [1] %}
{% set x = 1 %}{% if yes %}{% set x = 2 %}{% endif %}{{ x }}
{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 5 %}{{ x }} {% endfor %}{{ x }}
{% set ns = namespace(x=1) %}{% for i in [1, 2] %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}
{% set ns = namespace({'a': 1}) %}{% set ns.b = 2 %}{{ ns.a }}{{ ns.b }}{{ ns.c }}
{% set person.x = 1 %}
{% set undefined_x.y = 1 %}
{% set x %}a{{ n }}b{% endset %}{{ x }}{{ x|length }}
{% set x | upper | trim %} a{{ n }}b {% endset %}[{{ x }}]
{% set x %}{% set y = 1 %}{{ y }}{% endset %}{{ x }}{{ y }}
{% set messages = messages[1:] %}{{ messages|length }}
{% set text = text ~ '!' %}{{ text }}
{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a }}
{% with %}{% set x = 1 %}{{ x }}{% endwith %}{{ x }}
{% with a = n %}{% set n = 1 %}{{ a }}{{ n }}{% endwith %}{{ n }}
{% macro m(a, b=2) %}<{{ a }}|{{ b }}>{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(b=5, a=4) }}{{ m() }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(z=2) }}
{% macro m(a, a2=a) %}{{ a2 }}{% endmacro %}{{ m(3) }}
{% macro fact(n) %}{% if n <= 1 %}1{% else %}{{ n * fact(n - 1)|int }}{% endif %}{% endmacro %}{{ fact(5) }}
{% macro m() %}{{ text }}{{ later }}{% endmacro %}{% set later = 'L' %}{{ m() }}
{% macro m() %}  x  {% endmacro %}[{{ m()|trim }}]{{ m()|length }}
{% macro m(x) %}{% set y = x %}{{ y }}{% endmacro %}{{ m(1) }}{{ y }}
{% macro wrap(t) %}<{{ t }}>{{ caller() }}</{{ t }}>{% endmacro %}{% call wrap('b') %}inner{% endcall %}
{% macro each(l) %}{% for i in l %}{{ caller(i) }}{% endfor %}{% endmacro %}{% call(x) each([1, 2]) %}[{{ x }}]{% endcall %}
{% macro m(a, b, c=3) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(*[1, 2]) }}{{ m(1, *(2, 4)) }}{{ m(*[1], b=5) }}{{ [m][0](*[1, 2]) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(*[1, 2]) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(**{'a': 1}) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(*[], *[1]) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(*[], 1) }}
{% for i in [1, 2] %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}
{% filter upper %}a{{ text }}{% endfilter %}
{% filter replace('a', 'b')|upper %}aaa{% endfilter %}
{% generation %}{{ text }}{% endgeneration %}
{% include 'x' %}
{% extends 'x' %}
{% block x %}{% endblock %}
{% nosuchtag %}
{% do x %}
{% if yes %}
{% for i in x %}
{% endif %}
{% if yes %}{% endfor %}
{% set x = %}
{% set 1 = 2 %}
{% for in x %}{% endfor %}
{% macro m(a=1, b) %}{% endmacro %}
{{ x
{% if
{# x
{{ 'x }}
{{ 1 }} }}
{{ }}
{% %}
{{ raise_exception('bad ' ~ n) }}
{% if no %}{{ raise_exception('x') }}{% endif %}fine
{% if no %}{{ 1 / 0 }}{{ undefined_x.y.z }}{% endif %}fine
{% if no %}{{ x|nosuch }}{% endif %}fine
{%- for message in messages -%}{{ '<|' + message['role'] + '|>\n' + message['content'] | trim + '<|end|>\n' }}{%- endfor -%}
{% for message in messages %}{{ message.content.strip() if message.role == 'user' else message.content }}{{ '\n' if not loop.last }}{% endfor %}
{{ messages | selectattr('role', 'eq', 'user') | map(attribute='content') | join('') | trim }}
{{ (messages | last)['content'] }}{{ (messages|first).role }}
{{ strftime_now is defined }}
{{ namespace }}
{{ tools is defined and tools is not none }}
"""


def generation(source):
    return source.replace("{% generation %}", "{% if true %}").replace("{% endgeneration %}", "{% endif %}")


def main():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])

    def raise_exception(message):
        raise TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    for absent in ("lipsum", "cycler", "joiner"):
        del env.globals[absent]

    sources = [s for s in STATEMENTS.strip("\n").split("\n")]
    for s in SPACE.strip("\n").split("\n"):
        sources += [p.encode().decode("unicode-escape") for p in s.split("|")]
    for block in (EXPRESSIONS, FILTERS, TESTS, METHODS):
        for line in block.strip("\n").split("\n"):
            sources += ["{{ %s }}" % e for e in pieces(line)]
    out, seen = [], set()
    for source in sources:
        if source in seen:
            continue
        seen.add(source)
        try:
            written = env.from_string(generation(source)).render(**VARIABLES)
        except Exception:
            written = None
        if written is not None and ("<" in written and " at 0x" in written or "<function" in written or "<class" in written or "<Macro" in written):
            continue  # the text of a Python object
        out.append({"template": source, "output": written})
    with open("goldens.json", "w", encoding="utf-8") as f:
        f.write('{"versions": {"jinja2": "%s"},\n"variables": %s,\n"goldens": [\n' % (importlib.metadata.version("jinja2"), json.dumps(VARIABLES)))
        f.write(",\n".join(json.dumps(e) for e in out) + "\n]}\n")
    print(len(out), "templates,", sum(e["output"] is None for e in out), "refused")


NAMES = set("""abs capitalize count d default dictsort first float indent int items join last length list lower map max min nosuchfilter reject rejectattr replace
reverse round safe select selectattr sort string sum title tojson trim unique upper""".split())


def pieces(line):
    """Splits a line at bars, but not at the bar of a filter: the one before a filter's name that is not before an operand."""
    parts, out = line.split("|"), []
    for part in parts:
        word = part.split("(")[0].split(".")[0].split(" ")[0]
        if out and word in NAMES:
            out[-1] += "|" + part
        else:
            out.append(part)
    return [p for p in out if p]


main()
