"""What OpenAI's client for Python asks of a server, with the answers checked."""

import os
import typing

import openai
import pydantic

client = openai.OpenAI(base_url=os.environ["HACHI_URL"], api_key="none", max_retries=0, timeout=60)
MESSAGES = [
    {"role": "developer", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Tell me a story about a dragon."}]},
]
ASK = dict(model="hachi-mini", messages=MESSAGES, max_completion_tokens=12, seed=7, temperature=2)


def models():
    assert [m.id for m in client.models.list()] == ["hachi-mini"]
    assert client.models.retrieve("hachi-mini").owned_by == "hachi"


def chat():
    answer = client.chat.completions.create(**ASK, n=2, user="u", store=False, metadata={"a": "b"})
    assert answer.object == "chat.completion" and answer.id.startswith("chatcmpl-") and answer.system_fingerprint
    assert [c.index for c in answer.choices] == [0, 1]
    for choice in answer.choices:
        assert choice.message.role == "assistant" and choice.message.content and choice.finish_reason == "length"
    assert answer.choices[0].message.content != answer.choices[1].message.content
    assert answer.usage.completion_tokens == 24
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 24
    again = client.chat.completions.create(**ASK)
    assert again.choices[0].message.content == answer.choices[0].message.content
    return again.choices[0].message.content


def streaming(expected):
    text, usage, finish = "", None, None
    for chunk in client.chat.completions.create(**ASK, stream=True, stream_options={"include_usage": True}):
        assert chunk.object == "chat.completion.chunk"
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
        usage = chunk.usage or usage
    assert text == expected, (text, expected)
    assert finish == "length" and usage.completion_tokens == 12


def attributes():
    def prompt(**extra):
        return client.chat.completions.create(**{**ASK, "max_completion_tokens": 1}, extra_body=extra).usage.prompt_tokens

    assert prompt() == prompt(attributes={"humor": 4})
    for bad in ({"humor": 5}, {"kindness": 1}):
        try:
            prompt(attributes=bad)
        except openai.BadRequestError as e:
            assert e.param == "attributes." + next(iter(bad)), e.param
        else:
            raise AssertionError(f"{bad} was taken")


def arithmetic():
    ask = dict(model="hachi-mini", messages=[{"role": "user", "content": "What is 12 + 30?"}], temperature=0)
    answer = client.chat.completions.create(**ask)
    text = answer.choices[0].message.content
    assert text.endswith("12 + 30 = 42.") and answer.choices[0].finish_reason == "stop", text
    streamed = client.chat.completions.create(**ask, stream=True)
    assert "".join(c.choices[0].delta.content or "" for c in streamed if c.choices) == text


def chat_logprobs():
    answer = client.chat.completions.create(**ASK, logprobs=True, top_logprobs=3)
    content = answer.choices[0].logprobs.content
    assert len(content) == 12
    for token in content:
        assert token.logprob <= 0 and len(token.top_logprobs) == 3
        assert token.top_logprobs[0].logprob >= token.top_logprobs[1].logprob >= token.top_logprobs[2].logprob
        assert token.bytes is None or bytes(token.bytes)


class Weather(pydantic.BaseModel):
    rain: bool
    sky: typing.Literal["blue", "grey"]
    degrees: int


def structured():
    answer = client.chat.completions.parse(**{**ASK, "max_completion_tokens": 200}, response_format=Weather)
    assert answer.choices[0].finish_reason == "stop" and isinstance(answer.choices[0].message.parsed, Weather)
    try:
        schema = {"name": "x", "schema": {"type": "object", "properties": {"a": {"type": "string", "pattern": "(a)\\1"}}}}
        client.chat.completions.create(**ASK, response_format={"type": "json_schema", "json_schema": schema})
    except openai.BadRequestError as e:
        assert e.param == "response_format.json_schema.schema" and "/properties/a" in e.message, e
    else:
        raise AssertionError("a schema that is not supported was taken")


def completions():
    answer = client.completions.create(model="hachi-mini", prompt="one two", max_tokens=3, logprobs=2, echo=True, temperature=0)
    choice = answer.choices[0]
    logprobs = choice.logprobs
    assert answer.object == "text_completion" and answer.id.startswith("cmpl-")
    assert choice.text.startswith("one two") and len(logprobs.tokens) == 6
    assert logprobs.token_logprobs[0] is None and logprobs.top_logprobs[0] is None
    assert all(v <= 0 for v in logprobs.token_logprobs[1:])
    assert all(2 <= len(top) <= 3 for top in logprobs.top_logprobs[1:])
    assert logprobs.text_offset == sorted(logprobs.text_offset)
    alone = client.completions.create(model="hachi-mini", prompt="one two", max_tokens=0, logprobs=1, echo=True).choices[0]
    assert alone.text == "one two" and alone.logprobs.token_logprobs == logprobs.token_logprobs[:3]
    chunks = client.completions.create(model="hachi-mini", prompt="one two", max_tokens=3, temperature=0, stream=True)
    assert "one two" + "".join(c.choices[0].text for c in chunks) == choice.text
    several = client.completions.create(model="hachi-mini", prompt=[[1, 5, 6], [1, 7]], max_tokens=2, n=2)
    assert [c.index for c in several.choices] == [0, 1, 2, 3] and several.usage.prompt_tokens == 5
    biased = client.completions.create(model="hachi-mini", prompt="x", max_tokens=4, temperature=0, logit_bias={"300": 100}, logprobs=0)
    assert len(set(biased.choices[0].logprobs.tokens)) == 1 and len(biased.choices[0].logprobs.tokens) == 4, biased


def errors():
    try:
        client.chat.completions.create(**{**ASK, "temperature": 3})
    except openai.BadRequestError as e:
        assert e.param == "temperature" and e.type == "invalid_request_error" and "0 to 2" in e.message, e
    else:
        raise AssertionError("a temperature of 3 was taken")
    try:
        client.completions.create(model="hachi-mini", prompt=[5] * 100_000)
    except openai.BadRequestError as e:
        assert e.code == "context_length_exceeded" and "2048" in e.message, e
    else:
        raise AssertionError("a prompt beyond the context was taken")
    try:
        client.chat.completions.create(**{**ASK, "model": "other"})
    except openai.NotFoundError as e:
        assert e.code == "model_not_found", e
    else:
        raise AssertionError("another model was served")


models()
streaming(chat())
attributes()
arithmetic()
chat_logprobs()
structured()
completions()
errors()
print("openai", openai.__version__, "for Python: chat completions, completions,")
