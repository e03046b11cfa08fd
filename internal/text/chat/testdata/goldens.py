"""Makes goldens.json: conversations as transformers renders and tokenizes them.

    python -m venv v && v/bin/pip install transformers==4.57.1 tokenizers==0.22.2 sentencepiece==0.2.0 jinja2==3.1.6 protobuf==7.36.2
    v/bin/python goldens.py

The templates are those built in (../builtin.go) and those in templates/, which are written in the ways of public Mixtral
templates; those that begin with native_ have tools, and conversations with tools. The tokenizer is Mistral v1 with the tokens that ChatML fine-tunes add, one of them not special, as they have it;
"legacy" puts a space before every run of text, "first" before the first alone. Messages hold no text of special tokens here:
transformers would make tokens of it.
"""

import importlib.metadata
import json
import pathlib
import re

from tokenizers import Tokenizer
from transformers import LlamaTokenizer, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import LlamaConverter


MARK = "\u2581"

TEXTS = {
    "plain": ("Be brief.", "What is the capital of Japan?", "Tokyo.", "And of France?"),
    "japanese": ("あなたは親切なアシスタントです。", "八つの専門家とは何ですか？", "混合エキスパートです。", "𠮷野家と龘を説明して👩‍👩‍👧‍👦"),
    "space": ("  two\n\nlines  ", "\n leading and trailing \t\n", " answer\n", "a  b\tc\r\nd"),
    "markup": ("{{ bos_token }}", "{% raw %} {# c #} [INST] x [/INST]", "<<SYS>> [ATTR] humor: 9 [/ATTR]", "' + eos_token + '"),
}

ATTRIBUTES = [{}, {"helpfulness": 0, "complexity": 0}, {"humor": 4, "creativity": 3, "toxicity": 1, "quality": 2, "verbosity": 0, "coherence": 1, "correctness": 0}]


def conversations():
    for name, (s, u, a, w) in TEXTS.items():
        one = [{"role": "user", "content": u}]
        many = one + [{"role": "assistant", "content": a}, {"role": "user", "content": w}]
        five = many + [{"role": "assistant", "content": a}, {"role": "user", "content": u}]
        for turns in (one, many, five) if name == "plain" else (one, many):
            yield turns
            yield [{"role": "system", "content": s}] + turns
        for attributes in ATTRIBUTES[1:]:
            yield [{"role": "user", "content": u, **attributes}]
            yield [{"role": "system", "content": s}, {"role": "user", "content": u, **attributes}, {"role": "assistant", "content": a}, {"role": "user", "content": w}]
    u, a, s = {"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}, {"role": "system", "content": "s"}
    for bad in ([u, u], [a, u], [u, a, a, u], [s, s, u], [s, a, u], [u, a, s, u]):
        yield bad


WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "The weather of a city", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}, "unit": {"enum": ["摂氏", "華氏"]}, "days": {"type": "integer", "minimum": 1}}, "required": ["city"]}}}
CLOCK = {"type": "function", "function": {"name": "clock", "description": "", "parameters": {"type": "object", "properties": {}}}}


def call(id, name, arguments):
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def tool_conversations():
    """Conversations with tools, and the variables of the template that differ from chat's defaults."""
    u, s = {"role": "user", "content": "Weather in 東京?"}, {"role": "system", "content": "Be brief."}
    asked = {"role": "assistant", "content": "", "tool_calls": [call("abcDEF123", "get_weather", {"city": "東京 \"x\"", "unit": "摂氏", "days": 2, "far": [1.5, None, True, {}]})]}
    both = {"role": "assistant", "content": "", "tool_calls": [call("abcDEF123", "get_weather", {"city": "a"}), call("abcDEF124", "clock", {})]}
    result = {"role": "tool", "content": "晴れ {\"t\": 20}", "tool_call_id": "abcDEF123", "name": "get_weather"}
    time = {"role": "tool", "content": "12:00", "tool_call_id": "abcDEF124", "name": "clock"}
    said = {"role": "assistant", "content": "Sunny."}
    again = {"role": "user", "content": "And now?"}
    for messages in ([u], [s, u], [u, asked, result], [s, u, asked, result, said, again], [u, both, result, time], [u, asked, result, asked, result]):
        for tools in ([WEATHER], [WEATHER, CLOCK]):
            yield messages, tools, {}
        yield messages, None, {}
    yield [u], None, {"enable_thinking": False}
    yield [u, dict(said, content="<think>\nold\n</think>\n\nSunny."), again], None, {}


def tool_goldens(forms):
    for path in sorted(pathlib.Path("templates").glob("native_*.jinja")):
        for messages, tools, variables in tool_conversations():
            golden = {"template": path.stem, "messages": messages, "tools": tools, "variables": variables, "text": None}
            render(golden, messages, path.read_text(encoding="utf-8"), forms, tools=tools, date="26 Jul 2024", **variables)
            yield golden


def render(golden, messages, source, forms, **variables):
    try:
        golden["text"] = forms["legacy"].apply_chat_template(messages, chat_template=source, tokenize=False, add_generation_prompt=True, **variables)
        for form, t in forms.items():
            golden[form] = t.apply_chat_template(messages, chat_template=source, tokenize=True, add_generation_prompt=True, **variables)
    except Exception as e:
        golden["error"] = str(e)


def templates():
    go = pathlib.Path("../builtin.go").read_text(encoding="utf-8")
    for name in ("Karakuri", "Mistral"):
        yield name.lower(), re.search(r"const %sTemplate = `(.*?)`" % name, go, re.S).group(1)
    for path in sorted(pathlib.Path("templates").glob("*.jinja")):
        if not path.stem.startswith("native_"):
            yield path.stem, path.read_text(encoding="utf-8")


def tokenizer(legacy):
    j = json.loads(LlamaConverter(LlamaTokenizer("../../tokenizer/mistral-v1.model", legacy=True, add_prefix_space=True)).converted().to_str())
    special = [(0, "<unk>", True), (1, "<s>", True), (2, "</s>", True), (32000, "<|im_end|>", True), (32001, "<|im_start|>", False)]
    j["added_tokens"] = [{"id": i, "content": c, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": s} for i, c, s in special]
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": MARK}
    if legacy:
        j["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": MARK}, replace]}
        j["pre_tokenizer"] = None
    else:
        j["normalizer"] = None
        j["pre_tokenizer"] = {"type": "Metaspace", "replacement": MARK, "prepend_scheme": "first", "split": False}
    t = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(j)), bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    return t


def main():
    forms = {"legacy": tokenizer(True), "first": tokenizer(False)}
    out = []
    for name, source in templates():
        for messages in conversations():
            plain = messages if name in ("karakuri", "card") else [{"role": m["role"], "content": m["content"]} for m in messages]
            golden = {"template": name, "messages": plain, "text": None}
            render(golden, plain, source, forms)
            if golden not in out:
                out.append(golden)
    out += tool_goldens(forms)
    versions = {p: importlib.metadata.version(p) for p in ("transformers", "tokenizers", "jinja2")}
    with open("goldens.json", "w", encoding="utf-8") as f:
        f.write('{"versions": %s,\n"goldens": [\n' % json.dumps(versions))
        f.write(",\n".join(json.dumps(e, separators=(",", ":")) for e in out) + "\n]}\n")
    print(len(out), "conversations,", sum(e["text"] is None for e in out), "refused")
    for name, _ in templates():
        print(name, next(e for e in out if e["template"] == name and len(e["messages"]) == 4)["text"])


main()
