"""What OpenAI's client for Python asks of tools and of responses, with the answers checked."""

import json
import os
import typing

import openai
import pydantic
from killer import DAYS, DIARY, SKY, STORY, survives

client = openai.OpenAI(base_url=os.environ["HACHI_URL"], api_key="none", max_retries=0, timeout=60)
SUM = [{"role": "user", "content": "What is 12 + 30?"}]
WEATHER = [{"role": "user", "content": "How is the weather in Kyoto?"}]


class Weather(pydantic.BaseModel):
    """Weather of a city"""

    city: typing.Literal["Kyoto", "Osaka"]
    celsius: bool


def chat_tools():
    ask = dict(
        model="hachi-mini", messages=WEATHER, temperature=0, max_completion_tokens=200,
        tools=[openai.pydantic_function_tool(Weather)], tool_choice="required", parallel_tool_calls=False,
    )
    answer = client.chat.completions.parse(**ask).choices[0]
    (call,) = answer.message.tool_calls
    assert answer.finish_reason == "tool_calls" and call.function.name == "Weather", answer
    assert isinstance(call.function.parsed_arguments, Weather)
    with client.chat.completions.stream(**ask) as events:
        for _ in events:
            pass
        (streamed,) = events.get_final_completion().choices[0].message.tool_calls
    assert streamed.function.arguments == call.function.arguments
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    sent = {"id": call.id, "type": "function", "function": {"name": call.function.name, "arguments": call.function.arguments}}
    turns = [*WEATHER, {"role": "assistant", "content": None, "tool_calls": [sent]}, result]
    after = client.chat.completions.create(**{**ask, "messages": turns, "tool_choice": "none"}).choices[0]
    assert after.message.content and not after.message.tool_calls, after


def responses():
    answer = client.responses.create(model="hachi-mini", input="What is 12 + 30?", temperature=0)
    assert answer.status == "completed" and answer.output_text.endswith("12 + 30 = 42."), answer
    chat = client.chat.completions.create(model="hachi-mini", messages=SUM, temperature=0)
    assert answer.output_text == chat.choices[0].message.content
    with client.responses.stream(model="hachi-mini", input="What is 12 + 30?", temperature=0) as events:
        text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        assert text == answer.output_text == events.get_final_response().output_text
    parsed = client.responses.parse(
        model="hachi-mini", input="How is the weather in Kyoto?", temperature=0, max_output_tokens=200, text_format=Weather
    )
    assert isinstance(parsed.output_parsed, Weather), parsed


def response_tools():
    tool = {"type": "function", "name": "Weather", "strict": True, "parameters": {**Weather.model_json_schema(), "additionalProperties": False}}
    ask = dict(model="hachi-mini", temperature=0, max_output_tokens=200, tools=[tool], store=False)
    answer = client.responses.create(**ask, input=WEATHER, tool_choice="required", parallel_tool_calls=False)
    (call,) = [item for item in answer.output if item.type == "function_call"]
    Weather.model_validate(json.loads(call.arguments))
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    after = client.responses.create(**ask, input=[*WEATHER, *answer.output, result], tool_choice="none")
    assert after.output_text, after


def deaths():
    ask = dict(model="hachi-mini", messages=[{"role": "user", "content": STORY}], temperature=0.9, seed=7)
    survives(lambda: (c.choices[0].delta.content or "" for c in client.chat.completions.create(**ask, stream=True)))
    diary = dict(
        ask, messages=[{"role": "user", "content": DIARY}], parallel_tool_calls=False, tool_choice="required",
        tools=[{"type": "function", "function": {"name": "diary", "parameters": SKY, "strict": True}}],
    )

    def arguments():
        for chunk in client.chat.completions.create(**diary, stream=True):
            for call in chunk.choices[0].delta.tool_calls or []:
                yield call.function.arguments or ""

    assert len(json.loads(survives(arguments))["sky"]) == DAYS
    said = dict(model="hachi-mini", input=STORY, temperature=0.9, stream=True, extra_body={"seed": 7})
    survives(lambda: (e.delta for e in client.responses.create(**said) if e.type == "response.output_text.delta"))


chat_tools()
responses()
response_tools()
deaths()
print("tools and responses")
