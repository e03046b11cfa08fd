"""What LlamaIndex asks of a server, with the answers checked."""

import importlib.metadata
import os
import typing

import pydantic
from killer import DAYS, DIARY, STORY, survives
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike

llm = OpenAILike(
    model="hachi-mini", api_base=os.environ["HACHI_URL"], api_key="none", is_chat_model=True, is_function_calling_model=True,
    context_window=2048, temperature=0, max_tokens=200, max_retries=0,
)
ask = [ChatMessage(role="user", content="What is 12 + 30?")]
text = llm.chat(ask).message.content
assert text.endswith("12 + 30 = 42."), text
assert "".join(piece.delta or "" for piece in llm.stream_chat(ask)) == text


def weather(city: typing.Literal["Kyoto", "Osaka"]) -> str:
    """Weather of a city"""
    return f"It is sunny in {city}."


tool = FunctionTool.from_defaults(weather)
answer = llm.chat_with_tools([tool], user_msg="How is the weather in Kyoto?", tool_required=True, allow_parallel_tool_calls=False)
(call,) = llm.get_tool_calls_from_response(answer)
assert call.tool_name == "weather" and "sunny" in str(tool(**call.tool_kwargs)), call


class Diary(pydantic.BaseModel):
    sky: typing.Annotated[list[typing.Literal["sunny", "rainy", "cloudy"]], pydantic.Field(min_length=DAYS, max_length=DAYS)]


def diary(sky: list[str]) -> str:
    """Weather of every day"""
    return f"{len(sky)} days"


def calls():
    # The package takes the bounds of a list from a class, not from an annotation.
    written = FunctionTool.from_defaults(diary, fn_schema=Diary)
    pieces = drawn.stream_chat_with_tools([written], user_msg=DIARY, tool_required=True, allow_parallel_tool_calls=False)
    for piece in pieces:
        # The package yields the arguments as far as they have come.
        yield from (call.tool_kwargs for call in drawn.get_tool_calls_from_response(piece, error_on_no_tool_call=False))


drawn = llm.model_copy(update={"temperature": 0.9, "max_tokens": 1000, "additional_kwargs": {"seed": 7}})
survives(lambda: (piece.delta or "" for piece in drawn.stream_chat([ChatMessage(role="user", content=STORY)])))
assert len(survives(calls, whole=lambda pieces: list(pieces)[-1])["sky"]) == DAYS
print("llama-index-llms-openai-like", importlib.metadata.version("llama-index-llms-openai-like"))
