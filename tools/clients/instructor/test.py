"""What instructor asks of a server through tools and through JSON, with the answers checked."""

import importlib.metadata
import os
import typing

import instructor
import openai
import pydantic
from killer import DAYS, DIARY, VICTIMS, disturbed


class Weather(pydantic.BaseModel):
    """Weather of a city"""

    city: typing.Literal["Kyoto", "Osaka"]
    rain: bool


class Diary(pydantic.BaseModel):
    """Weather of every day"""

    sky: typing.Annotated[list[typing.Literal["sunny", "rainy", "cloudy"]], pydantic.Field(min_length=DAYS, max_length=DAYS)]


def connect():
    return openai.OpenAI(base_url=os.environ["HACHI_URL"], api_key="none", max_retries=0, timeout=60)


def mode(kind, client):
    return instructor.from_openai(client, mode=kind).chat.completions


ask = dict(model="hachi-mini", temperature=0, max_tokens=200, max_retries=0, response_model=Weather)
ask["messages"] = [{"role": "user", "content": "How is the weather in Kyoto?"}]

# A model of 14 M parameters does not write an object of a class that only the prompt describes, so the format names the schema beside
# json_object.
json_object = {"response_format": {"type": "json_object", "schema": Weather.model_json_schema()}}
for kind, options in {
    instructor.Mode.TOOLS: {"parallel_tool_calls": False}, instructor.Mode.JSON: {"extra_body": json_object}, instructor.Mode.JSON_SCHEMA: {},
}.items():
    assert isinstance(mode(kind, connect()).create(**ask, **options), Weather), kind


def diary(read):
    """The last of the partial objects; read gets the stream of OpenAI's client, because instructor yields none before that stream ends."""
    client = connect()
    create = client.chat.completions.create
    client.chat.completions.create = lambda *args, **options: read(lambda: create(*args, **options))
    drawn = {**ask, "temperature": 0.9, "seed": 7, "max_tokens": 1000, "response_model": Diary, "messages": [{"role": "user", "content": DIARY}]}
    *_, last = mode(instructor.Mode.TOOLS, client).create_partial(**drawn, parallel_tool_calls=False)
    return last


expected = diary(lambda stream: stream())
assert len(expected.sky) == DAYS, expected
for victim in VICTIMS:
    assert diary(lambda stream: disturbed(stream, victim)) == expected, (victim, expected)
print("instructor", importlib.metadata.version("instructor"))
