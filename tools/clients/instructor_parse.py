"""What instructor asks of a server through tools and through JSON, with the answers checked."""

import importlib.metadata
import os
import typing

import instructor
import openai
import pydantic


class Weather(pydantic.BaseModel):
    """Weather of a city"""

    city: typing.Literal["Kyoto", "Osaka"]
    rain: bool


client = openai.OpenAI(base_url=os.environ["HACHI_URL"], api_key="none", max_retries=0, timeout=60)
# Mode.JSON asks for any JSON object, and a model of 14 M parameters does not write one of a class that only the prompt describes.
modes = {instructor.Mode.TOOLS: {"parallel_tool_calls": False}, instructor.Mode.JSON_SCHEMA: {}}
for mode, options in modes.items():
    answer = instructor.from_openai(client, mode=mode).chat.completions.create(
        model="hachi-mini", temperature=0, max_tokens=200, max_retries=0, response_model=Weather, **options,
        messages=[{"role": "user", "content": "How is the weather in Kyoto?"}],
    )
    assert isinstance(answer, Weather), (mode, answer)
print("instructor", importlib.metadata.version("instructor"), ": ok")
