"""What LiteLLM asks of a server, with the answers checked."""

import importlib.metadata
import json
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "true"  # the package else fetches prices of models
import litellm  # noqa: E402
from killer import DAYS, DIARY, SKY, STORY, survives  # noqa: E402

ask = dict(
    model="openai/hachi-mini", api_base=os.environ["HACHI_URL"], api_key="none", temperature=0, max_tokens=200, num_retries=0,
    messages=[{"role": "user", "content": "What is 12 + 30?"}],
)
text = litellm.completion(**ask).choices[0].message.content
assert text.endswith("12 + 30 = 42."), text
assert "".join(chunk.choices[0].delta.content or "" for chunk in litellm.completion(**ask, stream=True)) == text

city = {"type": "object", "properties": {"city": {"enum": ["Kyoto", "Osaka"]}}, "required": ["city"], "additionalProperties": False}
tools = [{"type": "function", "function": {"name": "weather", "description": "Weather of a city", "parameters": city}}]
choice = litellm.completion(**ask, tools=tools, tool_choice="required", parallel_tool_calls=False).choices[0]
(call,) = choice.message.tool_calls
assert choice.finish_reason == "tool_calls" and call.function.name == "weather", choice
assert json.loads(call.function.arguments)["city"] in ("Kyoto", "Osaka"), call

litellm.suppress_debug_info = True
try:
    litellm.completion(**{**ask, "model": "openai/other"})
except litellm.NotFoundError:
    pass
else:
    raise AssertionError("another model was served")

drawn = {**ask, "temperature": 0.9, "seed": 7, "max_tokens": 1000, "stream": True}
survives(lambda: (c.choices[0].delta.content or "" for c in litellm.completion(**{**drawn, "messages": [{"role": "user", "content": STORY}]})))


def arguments():
    diary = {"type": "function", "function": {"name": "diary", "parameters": SKY}}
    messages = [{"role": "user", "content": DIARY}]
    for chunk in litellm.completion(**{**drawn, "messages": messages}, tools=[diary], tool_choice="required", parallel_tool_calls=False):
        for call in chunk.choices[0].delta.tool_calls or []:
            yield call.function.arguments or ""


assert len(json.loads(survives(arguments))["sky"]) == DAYS
print("litellm", importlib.metadata.version("litellm"))
