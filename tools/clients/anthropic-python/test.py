"""What Anthropic's client for Python asks of a server, with the answers checked."""

import json
import os

import anthropic
from killer import DAYS, DIARY, SKY, STORY, survives

# The client appends /v1/messages itself.
client = anthropic.Anthropic(base_url=os.environ["HACHI_URL"].removesuffix("/v1"), api_key="none", max_retries=0, timeout=60)
# The method has no argument for the temperature, so the body carries one.
SUM = dict(model="hachi-mini", max_tokens=80, messages=[{"role": "user", "content": "What is 12 + 30?"}], extra_body={"temperature": 0})
WEATHER = {
    "name": "weather",
    "description": "Weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"enum": ["Kyoto", "Osaka"]}}, "required": ["city"], "additionalProperties": False},
}


def create():
    answer = client.messages.create(**SUM, system="Be brief.")
    assert answer.type == "message" and answer.role == "assistant" and answer.stop_reason == "end_turn", answer
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0
    answer = client.messages.create(**SUM)
    assert answer.content[0].text.endswith("12 + 30 = 42."), answer
    return answer.content[0].text


def stream(expected):
    with client.messages.stream(**SUM) as events:
        assert "".join(events.text_stream) == expected
        final = events.get_final_message()
    assert final.content[0].text == expected and final.stop_reason == "end_turn", final


def tools():
    choice = {"type": "any", "disable_parallel_tool_use": True}
    ask = dict(SUM, messages=[{"role": "user", "content": "How is the weather in Kyoto?"}], tools=[WEATHER])
    answer = client.messages.create(**{**ask, "max_tokens": 200}, tool_choice=choice)
    use = answer.content[-1]
    assert answer.stop_reason == "tool_use" and use.type == "tool_use" and use.name == "weather", answer
    assert use.input["city"] in ("Kyoto", "Osaka"), use
    with client.messages.stream(**{**ask, "max_tokens": 200}, tool_choice=choice) as events:
        assert events.get_final_message().content[-1].input == use.input
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "sunny"}
    turns = [*ask["messages"], {"role": "assistant", "content": answer.content}, {"role": "user", "content": [result]}]
    after = client.messages.create(**{**ask, "messages": turns}, tool_choice={"type": "none"})
    assert after.content[0].type == "text" and after.content[0].text, after


def count():
    ask = dict(model="hachi-mini", messages=SUM["messages"])
    alone = client.messages.count_tokens(**ask).input_tokens
    assert 0 < alone < client.messages.count_tokens(**ask, tools=[WEATHER]).input_tokens
    usage = client.messages.create(**SUM).usage
    assert alone == usage.input_tokens + (usage.cache_read_input_tokens or 0), (alone, usage)


def errors():
    try:
        client.messages.create(**{**SUM, "model": "other"})
    except anthropic.NotFoundError as e:
        assert e.body["type"] == "error" and e.body["error"]["type"] == "not_found_error", e.body
    else:
        raise AssertionError("another model was served")


def deaths():
    def ask(text, **options):
        return client.messages.stream(
            model="hachi-mini", max_tokens=1000, messages=[{"role": "user", "content": text}], extra_body={"temperature": 0.9, "seed": 7}, **options
        )

    def text():
        with ask(STORY) as events:
            yield from events.text_stream

    def arguments():
        choice = {"type": "tool", "name": "diary", "disable_parallel_tool_use": True}
        with ask(DIARY, tools=[{"name": "diary", "input_schema": SKY}], tool_choice=choice) as events:
            yield from (e.partial_json for e in events if e.type == "input_json")

    survives(text)
    assert len(json.loads(survives(arguments))["sky"]) == DAYS


stream(create())
tools()
count()
errors()
deaths()
print("anthropic", anthropic.__version__, "for Python")
