"""Makes goldens.json: conversations as transformers renders and tokenizes them.

    python -m venv v && v/bin/pip install transformers==4.57.1 tokenizers==0.22.2 sentencepiece==0.2.0 jinja2==3.1.6 protobuf==7.36.2
    v/bin/python goldens.py

The templates are those built in (../builtin.go) and those in templates/, which are written in the ways of public Mixtral
templates. The tokenizer is Mistral v1 with the tokens that ChatML fine-tunes add, one of them not special, as they have it;
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


def templates():
    go = pathlib.Path("../builtin.go").read_text(encoding="utf-8")
    for name in ("Karakuri", "Mistral"):
        yield name.lower(), re.search(r"const %sTemplate = `(.*?)`" % name, go, re.S).group(1)
    for path in sorted(pathlib.Path("templates").glob("*.jinja")):
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
            try:
                golden["text"] = forms["legacy"].apply_chat_template(plain, chat_template=source, tokenize=False, add_generation_prompt=True)
                for form, t in forms.items():
                    golden[form] = t.apply_chat_template(plain, chat_template=source, tokenize=True, add_generation_prompt=True)
            except Exception as e:
                golden["error"] = str(e)
            if golden not in out:
                out.append(golden)
    versions = {p: importlib.metadata.version(p) for p in ("transformers", "tokenizers", "jinja2")}
    with open("goldens.json", "w", encoding="utf-8") as f:
        f.write('{"versions": %s,\n"goldens": [\n' % json.dumps(versions))
        f.write(",\n".join(json.dumps(e, separators=(",", ":")) for e in out) + "\n]}\n")
    print(len(out), "conversations,", sum(e["text"] is None for e in out), "refused")
    for name, _ in templates():
        print(name, next(e for e in out if e["template"] == name and len(e["messages"]) == 4)["text"])


main()
